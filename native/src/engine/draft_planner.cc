#include "engine/draft_planner.h"

#include <algorithm>
#include <span>
#include <utility>

#include "prompt/prompt_cursor.h"

namespace medinfer {
namespace {

// A draft has to promise so much more than the pass brings without it: what is measured is measured roughly.
constexpr double kMargin = 1.1;
// And all drafts of a pass together so much more.
constexpr double kWorth = 1.1;
constexpr double kBest = 0.98;  // the chance of a token that is all but sure

// Whether a token of it is drawn behind the step.
bool Draws(const ScheduledSequence* schedule) { return schedule->pending.has_value() && !schedule->paused; }

}  // namespace

void DraftPlanner::Propose(const std::vector<ScheduledSequence*>& running) {
  if (!works_) return;
  for (ScheduledSequence* schedule : running) schedule->draft.clear();
  const auto decoding = static_cast<std::uint32_t>(std::ranges::count_if(running, &Draws));
  // Where not even what is all but sure would pay, none is looked for.
  if (!cost_.known() || !Pays(kBest, decoding, 1 + cost_.PerToken() * decoding)) return;
  Collect(running);
  if (planned_.empty() || !Extend(decoding)) return;
  for (Planned& each : planned_) {
    each.draft.tokens.resize(each.tokens);
    each.sequence->draft_kinds = std::move(each.draft.kinds);
    each.sequence->schedule.draft = std::move(each.draft.tokens);
  }
}

// Whether one more token in the pass, drawn with this chance, brings more over time than `expected` tokens at `cost`
// do.
bool DraftPlanner::Pays(double chance, double expected, double cost) const {
  return chance * cost > kMargin * expected * cost_.PerToken();
}

// What could be drafted.
void DraftPlanner::Collect(const std::vector<ScheduledSequence*>& running) {
  planned_.clear();
  for (const ScheduledSequence* schedule : running) {
    if (!Draws(schedule)) continue;
    Sequence& sequence = requests_.Of(*schedule);
    Generation* generation = sequence.generation.get();
    const Drafter* drafter = generation == nullptr ? nullptr : generation->drafter();
    if (drafter == nullptr) continue;
    if (!sequence.acceptance) sequence.acceptance = acceptance_.Prior();
    Draft draft = generation->Propose(sequence.usage, AnswersLike(*drafter), *sequence.acceptance, kMostDraftTokens);
    if (draft.tokens.empty()) continue;
    const double chance = sequence.acceptance->Of(draft.kinds.front());
    planned_.push_back({&sequence, std::move(draft), 0, chance});
  }
}

// Greedily: the token with the best chance first, which makes the most of tokens over time, because each token of a
// draft has a smaller chance than the one before it. Whether what comes of it is worth a pass of another size, whose
// graph has to be built anew.
bool DraftPlanner::Extend(std::uint32_t decoding) {
  double expected = decoding;                     // tokens that the step brings
  double cost = 1 + cost_.PerToken() * expected;  // of it, in passes without a token
  const double rate = expected / cost;
  const auto by_chance = [](const Planned& a, const Planned& b) { return a.next < b.next; };
  std::ranges::make_heap(planned_, by_chance);
  for (std::uint32_t rows = 0; rows < kMostPromptLogits; ++rows) {
    Planned& best = planned_.front();
    if (!Pays(best.next, expected, cost)) break;
    ++best.tokens;
    expected += best.next;
    cost += cost_.PerToken();
    const bool more = best.tokens < best.draft.tokens.size();
    best.next = more ? best.next * best.sequence->acceptance->Of(best.draft.kinds[best.tokens]) : 0;
    std::ranges::pop_heap(planned_, by_chance);
    std::ranges::push_heap(planned_, by_chance);
  }
  return expected / cost > kWorth * rate;
}

void DraftPlanner::Judge(Sequence& sequence, std::uint32_t drafted, std::uint32_t accepted) {
  const auto kinds = std::span(sequence.draft_kinds).first(drafted);
  sequence.acceptance->Report(kinds, accepted);
  acceptance_.Report(kinds, accepted);
}

void DraftPlanner::Learn(Sequence& sequence, std::int32_t token) {
  Drafter* drafter = sequence.generation->drafter();
  if (works_ && drafter != nullptr) drafter->Accept(token, AnswersLike(*drafter));
}

NextTokens* DraftPlanner::AnswersLike(const Drafter& drafter) {
  return drafter.memory_key().empty() ? nullptr : &answers_.Of(drafter.memory_key());
}

}  // namespace medinfer
