// Why no context is made: each reason has its code and its advice.
#include "model/context_failure.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "medinfer/backends.h"
#include "support/engine_harness.h"
#include "support/places.h"

namespace medinfer {
namespace {

using testing::RandomModel;
using testing::Recorder;

[[maybe_unused]] Status Load(const std::function<void(LoadOptions&)>& change) {
  EXPECT_TRUE(InitBackends(places::kBackends).ok());
  LoadOptions options;
  options.model_path = RandomModel();
  options.n_ctx = 512;
  options.n_threads = 1;
  options.device = Device::kCpu;
  change(options);
  const auto engine = Engine::Load(options, [](float) { return true; }, std::make_shared<Recorder>());
  return engine.ok() ? Status() : engine.status();
}

// The address space of this process may grow by so many bytes while it lives.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::uint64_t bytes) {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit limited = before_;
    limited.rlim_cur = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &limited);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kLittle = 300ULL << 20U;

TEST(ContextFailure, AKvPoolThatDoesNotFitAsksForASmallerOne) {
  ASSERT_TRUE(Load([](LoadOptions&) {}).ok());  // what is loaded once, is loaded
  const MemoryLimit limit(kLittle);
  const Status status = Load([](LoadOptions& options) { options.n_ctx = 1U << 20U; });
  EXPECT_EQ(status.code(), Code::kOutOfMemory) << status.message();
  EXPECT_NE(status.message().find("KV pool does not fit"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("lower nCtx"), std::string::npos) << status.message();
}

TEST(ContextFailure, AForwardPassThatDoesNotFitAsksForASmallerOne) {
  ASSERT_TRUE(Load([](LoadOptions&) {}).ok());
  const MemoryLimit limit(kLittle);
  const Status status = Load([](LoadOptions& options) {
    options.n_ctx = 1U << 16U;
    options.n_ubatch = 1U << 16U;
  });
  EXPECT_EQ(status.code(), Code::kOutOfMemory) << status.message();
  EXPECT_NE(status.message().find("lower nUbatch"), std::string::npos) << status.message();
}
#endif

std::string SourceOf(const std::string& file) {
  std::ifstream stream(std::string(places::kLlamaSources) + "/src/" + file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

struct Case {
  const char* file;    // where llama.cpp says it
  const char* says;    // in its source
  const char* logged;  // as it comes out
  Code code;
  const char* advice;
};

TEST(ContextFailure, KnowsWhatLlamaCppSays) {
  const std::vector<Case> cases = {
      {"llama-kv-cache.cpp", "failed to allocate buffer for kv cache", "", Code::kOutOfMemory, "lower nCtx"},
      {"llama-kv-cache.cpp", "failed to create ggml context for kv cache", "", Code::kOutOfMemory, "lower nCtx"},
      {"llama-memory-recurrent.cpp", "failed to allocate buffer for rs cache", "", Code::kOutOfMemory, "batchSize"},
      {"llama-memory-recurrent.cpp", "failed to create ggml context for rs cache", "", Code::kOutOfMemory, "batchSize"},
      {"llama-kv-cache-dsv4.cpp", "failed to allocate buffer for DSV4 compressor state", "", Code::kOutOfMemory,
       "nCtx"},
      {"llama-context.cpp", "failed to reserve initial output buffer", "", Code::kOutOfMemory, "batchSize"},
      {"llama-context.cpp", "failed to allocate compute pp buffers", "", Code::kOutOfMemory, "nUbatch"},
      {"llama-context.cpp", "failed to allocate compute tg buffers", "", Code::kOutOfMemory, "batchSize"},
      {"llama-context.cpp", "requires ctx_other to be set", "", Code::kBadGguf, "load the model that it belongs to"},
      {"llama-context.cpp", "SPLIT_MODE_TENSOR requires flash_attn to be enabled", "", Code::kInvalidArgument, "layer"},
      {"llama-context.cpp", "quantized V cache requires flash_attn to be enabled", "", Code::kInvalidArgument, "f16"},
      {"llama-context.cpp", "failed to initialize %s backend", "failed to initialize CUDA0 backend", Code::kBackendLost,
       "device \"cpu\""},
      {"llama-context.cpp", "failed to initialize CPU backend", "", Code::kBackendLost, "device"},
  };
  for (const Case& c : cases) {
    const std::string source = SourceOf(c.file);
    if (!source.empty()) {
      EXPECT_NE(source.find(c.says), std::string::npos) << c.file << " has no more: " << c.says;
    }
    const std::string logged = std::string("llama_init_from_model: failed to initialize the context: ") +
                               (*c.logged == '\0' ? c.says : c.logged);
    const Status status = ContextFailure(logged, "what it said", 4096);
    EXPECT_EQ(status.code(), c.code) << c.says;
    EXPECT_NE(status.message().find(c.advice), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("what it said"), std::string::npos) << status.message();
  }
  EXPECT_EQ(ContextFailure("llama_init_from_model: failed to initialize the context: std::bad_alloc", "", 1).code(),
            Code::kOutOfMemory);
}

TEST(ContextFailure, WhatIsNotKnownIsNoLackOfMemory) {
  const Status status =
      ContextFailure("llama_init_from_model: failed to initialize the context: no such layer", "no such layer", 512);
  EXPECT_EQ(status.code(), Code::kBadGguf);
  EXPECT_EQ(status.message().find("nCtx"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace medinfer
