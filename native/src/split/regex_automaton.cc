#include "split/regex_automaton.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "split/regex_parser.h"
#include "split/regex_program.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxClasses = 255;
constexpr std::size_t kMaxStates = 8192;
constexpr std::size_t kMaxWork = 1U << 26U;  // threads looked at while the table is made: well under a second

// Places in the program where a search stands, the preferred ones first.
using Threads = std::vector<std::uint32_t>;

}  // namespace

// Makes the table: a state is the list of places where a search that prefers some ways to others may stand.
class RegexAutomatonBuilder {
 public:
  RegexAutomatonBuilder(RegexAutomaton& automaton, const RegexProgram& program)
      : automaton_(automaton), program_(program), reached_(program.instructions.size()) {}

  void Build() {
    FindClasses();
    Threads start;
    BeginRound();
    Follow(0, kUnknown, start);
    StateOf({});
    StateOf(std::move(start));
    for (std::size_t state = 0; state < states_.size(); ++state) {
      for (std::size_t by = 0; by < automaton_.n_classes_; ++by) AddStep(*states_[state], by);
    }
  }

 private:
  using Op = RegexInstruction::Op;
  static constexpr std::size_t kUnknown = kMaxClasses + 1;  // which symbol follows

  void FindClasses() {
    std::set<char32_t> bounds = {0};
    for (const SymbolSet& set : program_.sets) {
      for (const SymbolSet::Range& range : set.ranges()) {
        bounds.insert(range.first);
        bounds.insert(range.last + 1);
      }
    }
    std::map<std::vector<bool>, RegexAutomaton::Class> classes;
    for (const char32_t bound : bounds) {
      std::vector<bool> in;
      in.reserve(program_.sets.size());
      for (const SymbolSet& set : program_.sets) in.push_back(set.Contains(bound));
      const auto [found, added] = classes.emplace(std::move(in), static_cast<RegexAutomaton::Class>(classes.size()));
      if (added && classes.size() == kMaxClasses) throw UnsupportedRegex("it has too many classes");
      if (added) members_.push_back(found->first);
      automaton_.intervals_.push_back({bound, found->second});
    }
    automaton_.n_classes_ = classes.size() + 1;
    for (std::size_t low = 0; low < automaton_.low_classes_.size(); ++low) {
      automaton_.low_classes_[low] = automaton_.FindClass(static_cast<char32_t>(low));
    }
  }

  bool IsEnd(std::size_t by) const { return by == members_.size(); }

  bool Holds(const RegexInstruction& ahead, std::size_t by) const {
    return (!IsEnd(by) && members_[by][ahead.set]) != ahead.negated;
  }

  void BeginRound() { ++round_; }

  // Brings a thread to all places where it has to wait: for a symbol, or, as long as `by` is unknown, to look at one.
  // False where it comes to a match: what is less preferred does not count then.
  bool Follow(std::uint32_t from, std::size_t by, Threads& waiting) {
    Threads open = {from};
    while (!open.empty()) {
      const std::uint32_t at = open.back();
      open.pop_back();
      if (std::exchange(reached_[at], round_) == round_) continue;
      const RegexInstruction& instruction = program_.instructions[at];
      switch (instruction.op) {
        case Op::kSplit:
          open.push_back(instruction.second);
          open.push_back(instruction.first);
          break;
        case Op::kJump:
          open.push_back(instruction.first);
          break;
        case Op::kAhead:
          if (by == kUnknown) {
            waiting.push_back(at);
          } else if (Holds(instruction, by)) {
            open.push_back(at + 1);
          }
          break;
        case Op::kMatch:
          if (by != kUnknown) return false;
          waiting.push_back(at);
          return false;
        case Op::kSymbol:
          waiting.push_back(at);
          break;
      }
    }
    return true;
  }

  void AddStep(const Threads& threads, std::size_t by) {
    work_ += threads.size() + 1;
    if (work_ > kMaxWork) throw UnsupportedRegex("its table would be too large");
    Threads ready;
    BeginRound();
    const bool matched = !std::ranges::all_of(threads, [&](std::uint32_t at) { return Follow(at, by, ready); });
    Threads next;
    BeginRound();
    for (const std::uint32_t at : ready) {
      if (IsEnd(by) || !members_[by][program_.instructions[at].set]) continue;
      if (!Follow(at + 1, kUnknown, next)) break;
    }
    automaton_.steps_.push_back({StateOf(std::move(next)), matched});
  }

  RegexAutomaton::State StateOf(Threads threads) {
    const auto [found, added] =
        numbers_.emplace(std::move(threads), static_cast<RegexAutomaton::State>(numbers_.size()));
    if (added) states_.push_back(&found->first);
    if (states_.size() > kMaxStates) throw UnsupportedRegex("its table would be too large");
    return found->second;
  }

  RegexAutomaton& automaton_;
  const RegexProgram& program_;
  std::vector<std::vector<bool>> members_;  // by class and set
  std::map<Threads, RegexAutomaton::State> numbers_;
  std::vector<const Threads*> states_;  // keys of numbers_
  std::vector<std::uint32_t> reached_;  // by instruction: the latest round that came there
  std::uint32_t round_ = 0;
  std::size_t work_ = 0;
};

RegexAutomaton::RegexAutomaton(std::u32string_view regex) {
  const RegexNode parsed = ParseRegex(regex);
  if (parsed.MatchesEmpty()) throw UnsupportedRegex("it matches the empty text");
  const RegexProgram program = CompileRegex(parsed);
  RegexAutomatonBuilder(*this, program).Build();
}

RegexAutomaton::Class RegexAutomaton::FindClass(char32_t symbol) const {
  return std::prev(std::ranges::upper_bound(intervals_, symbol, {}, &Interval::first))->is;
}

}  // namespace medinfer
