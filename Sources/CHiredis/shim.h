#ifndef TIMINGLE_CHIREDIS_SHIM_H
#define TIMINGLE_CHIREDIS_SHIM_H

#include <sys/time.h>
#include <hiredis/hiredis.h>
#include <hiredis/async.h>

#endif
