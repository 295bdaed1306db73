// Where this build, its sources and its tools lie. One file alone is told when it is compiled, so that a compiler's
// cache serves all others in every clone.
#pragma once

namespace medinfer::places {

extern const char* const kSources;
extern const char* const kLlamaSources;
extern const char* const kLlamaModels;  // vocabularies and templates
extern const char* const kBackends;
extern const char* const kTools;  // of test/support
extern const char* const kFakeCudaDriver;
extern const char* const kRpcBackend;

}  // namespace medinfer::places
