#ifndef TIMINGLE_CNATS_SHIM_H
#define TIMINGLE_CNATS_SHIM_H

#include <nats/nats.h>

#endif
