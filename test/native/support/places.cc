#include "support/places.h"

namespace medinfer::places {

// Constants, so that they are there before any other is made of them.
constinit const char* const kSources = MEDINFER_SOURCE_DIR;
constinit const char* const kLlamaSources = MEDINFER_LLAMA_SOURCE_DIR;
constinit const char* const kLlamaModels = MEDINFER_LLAMA_SOURCE_DIR "/models";
constinit const char* const kBackends = MEDINFER_BACKEND_DIR;
constinit const char* const kTools = MEDINFER_TOOLS_DIR;
constinit const char* const kFakeCudaDriver = MEDINFER_FAKE_CUDA_DRIVER;
constinit const char* const kRpcBackend = MEDINFER_RPC_BACKEND;

}  // namespace medinfer::places
