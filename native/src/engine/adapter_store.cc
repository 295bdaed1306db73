#include "engine/adapter_store.h"

#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "adapters/adapter_file.h"
#include "base/excerpt.h"

namespace medinfer {

void AdapterStore::Load(LoadAdapterCommand command) {
  const RequestId id = command.id;
  open_.insert(id);
  const auto read = [id, path = std::move(command.path), cancelled = std::move(command.cancelled),
                     &files = parts_.files, &inbox = parts_.inbox, &model = parts_.model] {
    try {
      const auto keep_going = [&] { return !files.closed() && !cancelled->load(); };
      inbox.Push(AdapterOutcome{id, Adapter::Load(path, model, keep_going)});
    } catch (const std::bad_alloc&) {
      inbox.Push(AdapterOutcome{id, Status(Code::kOutOfMemory, "not enough memory to load the adapter")});
    }
  };
  try {
    parts_.files.Push(read);
  } catch (const std::system_error&) {
    Refuse(id, {Code::kOutOfMemory, "the system gives no thread for the adapter's file"});
  }
}

void AdapterStore::Take(AdapterOutcome outcome) {
  if (!open_.contains(outcome.id)) return;  // cancelled
  if (!outcome.adapter.ok()) return Refuse(outcome.id, outcome.adapter.status());
  std::shared_ptr<const Adapter> adapter = std::move(outcome.adapter.value());
  if (Status status = Try(*adapter); !status.ok()) return Refuse(outcome.id, status);
  const AdapterInfo info = adapter->info();
  parts_.table.Add(outcome.id, std::move(adapter));
  End(outcome.id, {outcome.id, AdapterLoaded{info}});
}

// Only the graph says which weights it applies adapters to, and how.
Status AdapterStore::Try(const Adapter& adapter) {
  constexpr const char* kMerge = "merge it into its model, and convert that to GGUF";
  const std::string assertion = parts_.decoder.TryAdapter(adapter.get());
  if (assertion.find("failed to allocate") != std::string::npos) {
    return {Code::kOutOfMemory, "the buffers of a pass with the adapter do not fit: lower nUbatch or nGpuLayers"};
  }
  if (!assertion.empty()) {
    return BadAdapter(adapter.path(), "this model's layers do not take it (" + Excerpt(assertion) + ')', kMerge);
  }
  const std::string unused = adapter.FindUnused();
  if (unused.empty()) return {};
  return BadAdapter(adapter.path(), "this model's layers apply no adapter to " + Excerpt(unused, 64), kMerge);
}

void AdapterStore::FreeUnused() {
  std::erase_if(leaving_, [this](UnloadAdapterCommand& leaving) {
    if (leaving.adapter.use_count() > 1) return false;
    parts_.decoder.ForgetAdapters();
    const Adapter::Digest digest = leaving.adapter->digest();
    parts_.cache.Forget([&](std::string_view salt) { return AdapterSet::SaltHas(salt, digest); });
    leaving.adapter.reset();
    End(leaving.id, {leaving.id, AdapterUnloaded{}});
    return true;
  });
}

void AdapterStore::Cancel(RequestId id, const Status& reason) {
  if (open_.contains(id)) Refuse(id, reason);
}

void AdapterStore::CancelAll(const Status& reason) {
  while (!open_.empty()) Cancel(*open_.begin(), reason);
}

void AdapterStore::End(RequestId id, Event event) {
  open_.erase(id);
  on_end_(id);
  parts_.outbox.End(std::move(event));
}

}  // namespace medinfer
