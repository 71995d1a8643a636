#ifndef TIMINGLE_CPOSTGRES_SHIM_H
#define TIMINGLE_CPOSTGRES_SHIM_H

#include <postgresql/libpq-fe.h>

#endif
