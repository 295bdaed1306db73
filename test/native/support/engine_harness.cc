#include "support/engine_harness.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer::testing {

void Recorder::OnEvents(std::vector<Event> events) {
  {
    const std::lock_guard lock(mutex_);
    for (Event& event : events) {
      Seen& seen = seen_[event.id];
      EXPECT_EQ(seen.ends, 0) << "an event after the terminal one";
      if (auto* text = std::get_if<Text>(&event.body)) seen.text += text->text;
      if (auto* logprobs = std::get_if<Logprobs>(&event.body)) {
        for (TokenLogprobs& token : logprobs->tokens) seen.logprobs.push_back(std::move(token));
      }
      if (auto* prompt = std::get_if<PromptLogprobs>(&event.body)) {
        EXPECT_EQ(seen.text, "") << "text before the prompt is read";
        for (PromptLogprob& token : prompt->tokens) seen.prompt_logprobs.push_back(std::move(token));
      }
      if (auto* prefill = std::get_if<Prefill>(&event.body)) seen.prefilled = prefill->done;
      if (auto* done = std::get_if<Done>(&event.body)) seen.end = *done;
      if (auto* scored = std::get_if<Scored>(&event.body)) seen.end = *scored;
      if (auto* embedded = std::get_if<Embedded>(&event.body)) seen.end = *embedded;
      if (auto* pooled = std::get_if<Pooled>(&event.body)) seen.end = *pooled;
      if (auto* counted = std::get_if<Counted>(&event.body)) seen.end = *counted;
      if (auto* saved = std::get_if<Saved>(&event.body)) seen.end = *saved;
      if (auto* restored = std::get_if<Restored>(&event.body)) seen.end = *restored;
      if (auto* loaded = std::get_if<AdapterLoaded>(&event.body)) seen.end = *loaded;
      if (auto* unloaded = std::get_if<AdapterUnloaded>(&event.body)) seen.end = *unloaded;
      if (auto* failed = std::get_if<Failed>(&event.body)) seen.end = *failed;
      if (seen.end) ++seen.ends;
    }
  }
  changed_.notify_all();
}

template <typename Condition>
void Recorder::WaitUntil(Condition condition) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), condition)) << "nothing happened for a minute";
}

Seen Recorder::Wait(RequestId id) {
  WaitUntil([&] { return seen_[id].end.has_value(); });
  return Look(id);
}

void Recorder::WaitForText(RequestId id) {
  WaitUntil([&] { return !seen_[id].text.empty() || seen_[id].end; });
}

Seen Recorder::Look(RequestId id) {
  const std::lock_guard lock(mutex_);
  return seen_[id];
}

std::string RandomModel() {
  static const std::string path = [] {
    const auto file =
        std::filesystem::temp_directory_path() / ("medinfer-test-" + std::to_string(::getpid()) + ".gguf");
    // F32 weights: rounding differs little between kernels, so that texts can be compared whole.
    const std::string command =
        std::string(places::kTools) + "/random_gguf llama " + file.string() + " --type f32 >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove(
          std::filesystem::temp_directory_path() / ("medinfer-test-" + std::to_string(::getpid()) + ".gguf"), ignored);
    });
    return file.string();
  }();
  return path;
}

LoadOptions TestOptions(const std::string& model) {
  const Status backends = InitBackends(places::kBackends);
  EXPECT_TRUE(backends.ok()) << backends.message();
  LoadOptions options;
  options.model_path = model;
  options.n_ctx = 512;
  options.kv_type = KvType::kF32;
  options.n_threads = 1;
  return options;
}

Loaded LoadEngine(const std::string& model, const std::function<void(LoadOptions&)>& change) {
  LoadOptions options = TestOptions(model);
  change(options);
  Loaded loaded{std::make_shared<Recorder>(), nullptr};
  auto engine = Engine::Load(options, [](float) { return true; }, loaded.recorder);
  EXPECT_TRUE(engine.ok()) << (engine.ok() ? "" : engine.status().message());
  if (engine.ok()) loaded.engine = std::move(engine.value());
  return loaded;
}

Loaded LoadEngineF16(const std::string& model, const std::function<void(LoadOptions&)>& change) {
  return LoadEngine(model, [&](LoadOptions& options) {
    options.kv_type = KvType::kF16;
    change(options);
  });
}

Request GreedyRequest(const std::string& prompt, std::int32_t n_predict) {
  Request request;
  request.prompt.push_back({prompt, true, nullptr});
  request.sampling.temperature = 0;
  request.n_predict = n_predict;
  request.ignore_eos = true;
  return request;
}

std::vector<std::string> TextsOf(const Loaded& loaded) {
  if (loaded.engine == nullptr) return {};
  std::vector<RequestId> ids;
  const std::string shared = "The quick brown fox jumps over the lazy dog, and once more over the same dog. ";
  for (int i = 0; i < 8; ++i) {
    auto id = loaded.engine->Submit(GreedyRequest(shared + std::string(static_cast<std::size_t>(i), 'x'), 48));
    EXPECT_TRUE(id.ok());
    ids.push_back(id.value());
  }
  std::vector<std::string> texts;
  for (const RequestId id : ids) {
    const auto seen = loaded.recorder->Wait(id);
    EXPECT_TRUE(seen.done());
    texts.push_back(seen.text);
  }
  return texts;
}

}  // namespace medinfer::testing
