#include "engine/draft_planner.h"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "prompt/prompt_cursor.h"

namespace medinfer {
namespace {

// A draft has to promise so much more than the pass brings without it: what is measured is measured roughly.
constexpr double kMargin = 1.1;
// And all drafts of a pass together so much more: a pass of another size has its graph built anew, and what little is
// promised is promised too often. With 1.1 eight JSON answers at once were 4 to 11 % slower, and one no faster.
constexpr double kWorth = 1.3;
constexpr double kBest = 0.98;  // the chance of a token that is all but sure
// A draft of what was seen before that begins with such a chance costs nothing: no model is asked for a better one.
constexpr double kSure = 0.8;

// All that the model has read of it as text, and what was drawn since: a draft model sees no images.
std::vector<std::int32_t> TextOf(const ScheduledSequence& schedule) {
  std::vector<std::int32_t> text;
  for (const PromptChunk& chunk : schedule.cursor.prompt().chunks) {
    if (const auto* tokens = std::get_if<TextChunk>(&chunk)) text.insert(text.end(), tokens->begin(), tokens->end());
  }
  text.insert(text.end(), schedule.drawn.begin(), schedule.drawn.end());
  return text;
}

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
  if (model_ != nullptr || heads_ != nullptr) AskForGuesses(running);
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

// What the draft model, or the model's heads, think comes next, of those of which nothing is known that is better. They
// are asked as long as one token more is expected to be worth its pass beside what it costs in the model's.
void DraftPlanner::AskForGuesses(const std::vector<ScheduledSequence*>& running) {
  const double row = cost_.PerToken();
  const double pass = (model_ != nullptr ? model_->ms() : heads_->ms()) / cost_.BaseMs();
  const auto pays = [&](double chance) { return chance * (1 + row) > kMargin * (row + pass); };
  std::vector<Asked> asked;
  for (ScheduledSequence* schedule : running) {
    if (!Draws(schedule)) continue;
    Sequence& sequence = requests_.Of(*schedule);
    const auto planned = std::ranges::find(planned_, &sequence, &Planned::sequence);
    if (planned != planned_.end() && planned->next >= kSure) continue;
    const std::uint32_t most = sequence.generation == nullptr ? 0 : sequence.generation->MostDraft(sequence.usage);
    if (most == 0) continue;
    if (!sequence.acceptance) sequence.acceptance = acceptance_.Prior();
    if (!pays(sequence.acceptance->Of(GuessKind::Modelled(1)))) continue;
    asked.push_back({schedule, &sequence, most});
  }
  if (asked.empty()) return;
  std::vector<double> chances(asked.size(), 1);
  const auto guesses = Guesses(asked, [&](std::size_t ask, std::span<const Guess> so_far) {
    return pays(chances[ask] *= asked[ask].sequence->acceptance->Of(GuessKind::Modelled(so_far.back().chance)));
  });
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (guesses[i].empty()) continue;
    Sequence* sequence = asked[i].sequence;
    Draft draft;
    for (const Guess& guess : guesses[i]) {
      draft.tokens.push_back(guess.token);
      draft.kinds.push_back(GuessKind::Modelled(guess.chance));
    }
    const double chance = sequence->acceptance->Of(draft.kinds.front());
    const auto planned = std::ranges::find(planned_, sequence, &Planned::sequence);
    if (planned == planned_.end()) {
      planned_.push_back({sequence, std::move(draft), 0, chance});
    } else if (chance > planned->next) {
      *planned = {sequence, std::move(draft), 0, chance};
    }
  }
}

// Of each of `asked`, in order.
std::vector<std::vector<Guess>> DraftPlanner::Guesses(const std::vector<Asked>& asked, const GoesOnFn& goes_on) {
  if (model_ != nullptr) {
    std::vector<DraftModel::Ask> asks;
    for (const auto& [schedule, _, most] : asked) {
      asks.push_back({schedule->id, TextOf(*schedule), schedule->salt, most});
    }
    return model_->Propose(asks, goes_on);
  }
  std::vector<DraftHeads::Ask> asks;
  for (const auto& [schedule, _, most] : asked) {
    // Where there is none for it, the step will have to make room.
    if (!schedule->cell_reserved) schedule->cell_reserved = heads_->Reserve(schedule->slot);
    const bool can = schedule->cell_reserved && schedule->cursor.text_so_far();
    asks.push_back({schedule->slot, *schedule->pending, schedule->written(), can ? most : 0});
  }
  return heads_->Propose(asks, goes_on);
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
