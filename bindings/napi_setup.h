// The one place that includes napi.h, so that every file sees it with the same defines.
#pragma once

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif

#if !defined(NAPI_CPP_EXCEPTIONS) && !defined(NODE_ADDON_API_CPP_EXCEPTIONS)
#define NAPI_CPP_EXCEPTIONS
#endif

// In an environment that is being torn down an exception cannot reach JavaScript any more. Without
// this, node-addon-api takes that for a fatal error and ends the process.
#ifndef NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#endif

// User code must not find a way around the typed surface.
#define NODE_ADDON_API_DISABLE_DEPRECATED

#include <napi.h>
