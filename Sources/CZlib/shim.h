#ifndef TIMINGLE_CZLIB_SHIM_H
#define TIMINGLE_CZLIB_SHIM_H

#include <zlib.h>

#endif
