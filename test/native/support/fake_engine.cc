#include "support/fake_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace medinfer::testing {
namespace {

constexpr std::uint32_t kVocabulary = 7;  // small, so that answers meet again
constexpr float kLeftOut = 1000;          // on no picture

// What is read of each token of a prompt, in order.
std::vector<std::uint64_t> ValuesOf(const PreparedPrompt& prompt) {
  std::vector<std::uint64_t> values;
  for (const PromptChunk& chunk : prompt.chunks) {
    if (const auto* text = std::get_if<TextChunk>(&chunk)) {
      values.insert(values.end(), text->begin(), text->end());
      continue;
    }
    const auto& media = std::get<MediaChunk>(chunk);
    const float picture = media.embedding == nullptr ? kLeftOut : media.embedding->front();
    for (std::uint32_t i = 0; i < media.n_tokens; ++i) {
      values.push_back((std::uint64_t{1} << 40U) + (static_cast<std::uint64_t>(picture) << 20U) + i);
    }
  }
  return values;
}

// What completion `seed` draws behind a cell.
std::int32_t DrawnToken(CellValue last, std::uint32_t seed) {
  return static_cast<std::int32_t>(MixBits(last + seed) % kVocabulary);
}

}  // namespace

std::vector<std::int32_t> Answer(const FakeRequest& request) {
  CellValue last = FirstValue(request.schedule.salt);
  for (const std::uint64_t value : ValuesOf(request.prompt)) last = NextValue(last, value);
  std::vector<std::int32_t> answer;
  while (answer.size() < request.n_predict) {
    answer.push_back(DrawnToken(last, request.seed));
    last = NextValue(last, static_cast<std::uint64_t>(answer.back()));
  }
  return answer;
}

MediaChunk FakeMedia(std::uint32_t picture, std::uint32_t n_tokens, std::int32_t n_pos, bool named, bool whole) {
  MediaChunk media;
  media.embedding = std::make_shared<const std::vector<float>>(1, static_cast<float>(picture));
  media.n_tokens = n_tokens;
  media.n_pos = n_pos;
  media.non_causal = whole;
  if (named) {
    media.origin.emplace();
    media.origin->digest.fill(0xAA);  // as no count of unnamed media begins
    std::memcpy(media.origin->digest.data(), &picture, sizeof(picture));
  }
  return media;
}

FakeEngine::FakeEngine(const KvPool::Options& options, std::uint32_t budget, std::uint64_t swap_cells, bool paged,
                       std::uint64_t host_cells)
    : pool(options),
      store(pool, paged),
      cache(pool, store, swap_cells * sizeof(CellValue), host_cells * sizeof(CellValue)),
      scheduler(cache, budget) {
  if (!paged) pool.DisableCache();
}

FakeEngine::~FakeEngine() {
  while (!live.empty()) Cancel(live.begin()->first);
}

FakeRequest* FakeEngine::Find(RequestId id) {
  const auto found = live.find(id);
  return found == live.end() ? nullptr : found->second.get();
}

RequestId FakeEngine::Submit(PreparedPrompt prompt, std::uint32_t n_predict, std::int32_t priority, std::uint32_t n,
                             const std::string& salt, StateId base, bool keep) {
  const RequestId first = next_id_;
  for (std::uint32_t i = 0; i < n; ++i) {
    auto request = std::make_unique<FakeRequest>();
    request->schedule.id = next_id_++;
    request->schedule.priority = priority;
    request->schedule.arrival = arrivals_++;
    request->schedule.salt = salt;
    request->schedule.base = base;
    request->prompt = prompt;
    request->seed = i;
    request->n_predict = n_predict;
    request->keep = keep;
    FakeRequest& added = *live.emplace(request->schedule.id, std::move(request)).first->second;
    if (i > 0) scheduler.AddSibling(live.at(first)->schedule, added.schedule);
  }
  ScheduledSequence& schedule = live.at(first)->schedule;
  if (leave_out) {
    for (PromptChunk& chunk : prompt.chunks) {
      auto* media = std::get_if<MediaChunk>(&chunk);
      if (media == nullptr || !media->origin || (*leave_out)() % 4 == 0) continue;
      media->embedding.reset();
      prompt.source = std::make_shared<const std::vector<PromptPart>>();
    }
  }
  schedule.cursor = PromptCursor(std::move(prompt));
  Enqueue(schedule);
  return first;
}

void FakeEngine::Enqueue(ScheduledSequence& schedule) {
  if (!scheduler.Enqueue(schedule)) encoding_.insert(schedule.id);
}

// What is at the encoder comes back, sooner or later.
void FakeEngine::Encode() {
  for (const RequestId id : std::set(encoding_)) {
    if ((*leave_out)() % 2 == 0) continue;
    ++encoded;
    encoding_.erase(id);
    FakeRequest& request = *live.at(id);
    EXPECT_EQ(request.schedule.state, SequenceState::kPreparing);
    request.schedule.cursor.TakeEmbeddings(request.prompt);
    EXPECT_TRUE(scheduler.Enqueue(request.schedule));
  }
}

bool FakeEngine::Step(bool room) {
  if (leave_out) Encode();
  CheckAdmission(scheduler.Admit());
  for (const ScheduledSequence* each : scheduler.TakeUnreadable()) encoding_.insert(each->id);
  const bool runnable = scheduler.HasRunnable();
  const ScheduledSequence* front = scheduler.running().empty() ? nullptr : scheduler.running().front();
  bool decoding = false;
  for (const auto& [id, request] : live) {
    const ScheduledSequence& s = request->schedule;
    decoding |= s.state == SequenceState::kRunning && !s.paused && s.pending.has_value();
  }
  EXPECT_EQ(scheduler.IsDecoding(), decoding);
  if (drafts) Propose();
  const Scheduler::Step step = scheduler.Plan();
  EXPECT_TRUE(front == nullptr || front->state == SequenceState::kRunning) << "the first in line gave way";
  EXPECT_EQ(runnable, !step.text.empty() || !step.media.empty());
  if (!room) {
    scheduler.PreemptLast();
    return runnable;
  }
  // As the engine does: those that draw after the text pass may end, and are in no other.
  for (const Scheduler::Share& share : step.text) Apply(share);
  for (const Scheduler::Share& share : step.media) Apply(share);
  for (const auto& [id, request] : live) {
    const ScheduledSequence& s = request->schedule;
    if (s.state != SequenceState::kQueued && s.state != SequenceState::kRunning) continue;
    const std::uint32_t behind = s.cursor.reading() ? 0 : static_cast<std::uint32_t>(s.drawn.size()) - 1;
    EXPECT_EQ(s.keys.size(), s.cursor.n_tokens() + behind) << "a cell without a name";
  }
  return runnable;
}

void FakeEngine::CheckAdmission(const std::vector<ScheduledSequence*>& admitted) const {
  for (const ScheduledSequence* each : admitted) {
    for (const ScheduledSequence* waiting : scheduler.queued()) {
      if (waiting->paused || waiting->awaited != 0) continue;
      EXPECT_FALSE(Precedes(*waiting, *each) && each->state == SequenceState::kRunning)
          << waiting->id << " was overtaken by " << each->id;
    }
  }
  EXPECT_TRUE(std::is_sorted(scheduler.running().begin(), scheduler.running().end(),
                             [](const auto* a, const auto* b) { return Precedes(*a, *b); }));
}

void FakeEngine::Apply(const Scheduler::Share& share) {
  ScheduledSequence& s = *share.sequence;
  ASSERT_EQ(s.state, SequenceState::kRunning);
  ASSERT_FALSE(s.paused);
  FakeRequest& request = *live.at(s.id);
  PromptCursor& cursor = s.cursor;
  if (!cursor.reading()) return ApplyDecode(request, share.n_tokens);
  const bool ends = cursor.EndsAfter(share.n_tokens);
  const bool media = std::holds_alternative<MediaChunk>(cursor.chunk());
  // What was drawn before a preemption is a part of the prompt now.
  const std::vector<std::uint64_t> values = ValuesOf(cursor.prompt());
  if (media) {
    ASSERT_NE(cursor.CurrentMedia().embedding, nullptr) << "it was left out";
  }
  for (std::uint32_t i = 0; i < share.n_tokens; ++i) {
    const std::int32_t position =
        media ? cursor.chunk_position() : cursor.next_position() + static_cast<std::int32_t>(i);
    store.Read(s.slot, s.salt, values[cursor.done() + i], position);
  }
  cursor.Advance(share.n_tokens);
  scheduler.Commit(s);
  if (!ends) return;
  while (ScheduledSequence* sibling = scheduler.BeginSibling(s)) Draw(*live.at(sibling->id));
  Draw(request);
}

void FakeEngine::Propose() {
  const auto pick = [this](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(*drafts);
  };
  for (ScheduledSequence* s : scheduler.running()) {
    s->draft.clear();
    if (!s->pending || s->paused) continue;
    const FakeRequest& request = *live.at(s->id);
    const std::vector<std::int32_t> answer = Answer(request);
    const auto left = static_cast<std::uint32_t>(answer.size() - request.answer.size());
    const auto next = answer.begin() + static_cast<std::ptrdiff_t>(request.answer.size());
    s->draft.assign(next, next + static_cast<std::ptrdiff_t>(std::min(pick(9), left - 1)));
    if (!s->draft.empty() && pick(2) == 0) {
      s->draft[pick(static_cast<std::uint32_t>(s->draft.size()) - 1)] = static_cast<std::int32_t>(kVocabulary);
    }
  }
}

void FakeEngine::ApplyDecode(FakeRequest& request, std::uint32_t n_tokens) {
  ScheduledSequence& s = request.schedule;
  ASSERT_LE(n_tokens, 1 + s.draft.size());
  std::vector<std::int32_t> draft = std::exchange(s.draft, {});
  draft.resize(n_tokens - 1);
  std::int32_t position = s.cursor.next_position();
  store.Read(s.slot, s.salt, static_cast<std::uint64_t>(*s.pending), position);
  for (const std::int32_t token : draft) store.Read(s.slot, s.salt, static_cast<std::uint64_t>(token), ++position);
  for (std::size_t row = 0; row < n_tokens; ++row) {
    s.AdvanceDecode();
    scheduler.Commit(s);
    Draw(request);
    if (s.state != SequenceState::kRunning || row == draft.size() || *s.pending != draft[row]) break;
    ++accepted;
  }
  if (!draft.empty() && s.state == SequenceState::kRunning) scheduler.DropRefused(s);
}

void FakeEngine::Draw(FakeRequest& request) {
  ScheduledSequence& s = request.schedule;
  const CellValue last = store.paged() ? store.At(pool.table(s.slot), s.written() - 1) : store.Last(s.slot);
  const std::int32_t token = DrawnToken(last, request.seed);
  request.answer.push_back(token);
  s.pending = token;
  s.drawn.push_back(token);
  if (request.answer.size() == request.n_predict) End(request, /*cancelled=*/false);
}

void FakeEngine::Cancel(RequestId id) {
  FakeRequest* request = Find(id);
  if (request != nullptr) End(*request, /*cancelled=*/true);
}

void FakeEngine::Finish(RequestId id) {
  FakeRequest* request = Find(id);
  if (request == nullptr) return;
  End(*request, /*cancelled=*/false);
}

void FakeEngine::End(FakeRequest& request, bool cancelled) {
  ScheduledSequence& s = request.schedule;
  while (!s.siblings.empty()) End(*live.at(s.siblings.back()->id), cancelled);
  request.n_predict = static_cast<std::uint32_t>(request.answer.size());
  if (!cancelled && s.cursor.n_unreadable() > 0) ++unread;
  encoding_.erase(s.id);
  if (!cancelled && request.keep && scheduler.Keep(s)) states.insert(s.id);
  scheduler.Remove(s);
  auto node = live.extract(s.id);
  if (!cancelled) ended.insert(std::move(node));
}

void FakeEngine::RunToEnd() {
  constexpr int kPatience = 40;  // steps in which nothing comes back from the encoder
  for (int idle = 0; !live.empty() && idle < kPatience;) idle = Step() ? 0 : idle + 1;
  EXPECT_TRUE(live.empty()) << live.size() << " requests never end";
}

}  // namespace medinfer::testing
