#include "engine/token_counter.h"

#include <new>
#include <system_error>
#include <utility>

#include "device/assertion_guard.h"
#include "model/model.h"
#include "text/prompt_parts.h"

namespace medinfer {

TokenCounter::~TokenCounter() {
  const std::unordered_set<RequestId> left = open_;
  for (const RequestId id : left) End(id, {id, Failed{{Code::kClosed, "the engine was closed"}}});
}

void TokenCounter::Count(RequestId id, std::vector<PromptPart> prompt, bool add_special) {
  {
    const MutexLock lock(mutex_);
    open_.insert(id);
  }
  try {
    thread_.Push([this, id, prompt = std::move(prompt), add_special] { Read(id, prompt, add_special); });
  } catch (const std::system_error&) {
    End(id, {id, Failed{{Code::kOutOfMemory, "the system gives no thread to count tokens"}}});
  }
}

void TokenCounter::Read(RequestId id, const std::vector<PromptPart>& prompt, bool add_special) {
  Event event{id, Failed{{Code::kOutOfMemory, "not enough memory to count tokens"}}};
  try {
    Result<std::vector<PromptPart>> parts = std::vector<PromptPart>();
    const auto damage = Attempt([&] { parts = TokenizeParts(model_.tokenizer(), prompt, add_special); });
    if (damage) {
      event.body = Failed{DamagedModel(*damage)};
    } else if (!parts.ok()) {
      event.body = Failed{parts.status()};
    } else if (HasImages(parts.value())) {
      EncodeJob job;
      job.id = id;
      job.prompt = std::move(parts.value());
      job.add_special = false;  // it is there
      job.wanted = EncodeJob::Wanted::kCount;
      encoder_->Enqueue(std::move(job));
      return;
    } else {
      std::size_t tokens = 0;
      for (const PromptPart& part : parts.value()) tokens += part.tokens.size();
      event.body = Counted{static_cast<std::uint32_t>(tokens)};
    }
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): said above
  }
  End(id, std::move(event));
}

void TokenCounter::Take(const EncodeOutcome& outcome) {
  Event event{outcome.id, {}};
  if (outcome.prompt.ok()) {
    event.body = Counted{outcome.prompt.value().n_tokens};
  } else {
    event.body = Failed{outcome.prompt.status()};
  }
  End(outcome.id, std::move(event));
}

void TokenCounter::End(RequestId id, Event event) {
  {
    const MutexLock lock(mutex_);
    if (open_.erase(id) == 0) return;
  }
  std::vector<Event> events;
  events.push_back(std::move(event));
  sink_.OnEvents(std::move(events));
}

}  // namespace medinfer
