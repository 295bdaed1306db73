#include "schema/number_language.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

constexpr int kMaxDigits = 15;  // of which a double holds all
constexpr int kMaxIntegerDigits = 16;
constexpr std::string_view kMaxInteger = "9007199254740991";  // 2^53 - 1
constexpr long kMaxDivisor = 1000;                            // states of the automaton grow with it
constexpr int kMaxDivisorDecimals = 12;
constexpr std::string_view kAlphabet = "0123456789-.eE+";

// A number of 0 or more: digits before and after the point, without needless zeros.
struct Magnitude {
  std::string whole = "0";
  std::string fraction;

  bool zero() const { return whole == "0" && fraction.empty(); }
};

int Compare(const Magnitude& a, const Magnitude& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

struct Signed {
  Magnitude size;
  bool negative = false;
};

int Compare(const Signed& a, const Signed& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? Compare(b.size, a.size) : Compare(a.size, b.size);
}

// REQUIRES: `text` is a JSON number of a double or of a 64-bit integer.
Signed Parse(const std::string& text) {
  Signed number;
  std::string digits;
  long point = -1;
  long exponent = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '-') number.negative = true;
    if (c == '.') point = static_cast<long>(digits.size());
    if (c >= '0' && c <= '9') digits += c;
    if (c == 'e' || c == 'E') {
      exponent = std::strtol(text.c_str() + i + 1, nullptr, 10);
      break;
    }
  }
  if (point < 0) point = static_cast<long>(digits.size());
  point += exponent;
  if (point < 0) {
    digits.insert(0, static_cast<std::size_t>(-point), '0');
    point = 0;
  }
  if (point > static_cast<long>(digits.size())) digits.append(static_cast<std::size_t>(point) - digits.size(), '0');
  number.size.whole = digits.substr(0, static_cast<std::size_t>(point));
  number.size.fraction = digits.substr(static_cast<std::size_t>(point));
  number.size.whole.erase(0, number.size.whole.find_first_not_of('0'));
  if (number.size.whole.empty()) number.size.whole = "0";
  number.size.fraction.erase(number.size.fraction.find_last_not_of('0') + 1);
  if (number.size.zero()) number.negative = false;
  return number;
}

struct Bound {
  Magnitude size;
  bool exclusive = false;
};

// The numbers of one sign, by their size.
struct Side {
  bool possible = true;
  std::optional<Bound> least;
  std::optional<Bound> most;
};

class Builder {
 public:
  Builder(const NumberRange& range, long divisor, int decimals)
      : integer_(range.integer),
        plain_(!range.minimum && !range.maximum && divisor == 0),
        divisor_(divisor),
        decimals_(decimals) {
    std::optional<Signed> low;
    std::optional<Signed> high;
    bool low_out = false;
    bool high_out = false;
    if (range.minimum) {
      low = Parse(range.minimum->decimal);
      low_out = range.minimum->exclusive;
    }
    if (range.maximum) {
      high = Parse(range.maximum->decimal);
      high_out = range.maximum->exclusive;
    }
    const Magnitude far{std::string(kMaxInteger), ""};
    if (integer_ && (!low || Compare(*low, {far, true}) < 0)) {
      low = {far, true};
      low_out = false;
    }
    if (integer_ && (!high || Compare(*high, {far, false}) > 0)) {
      high = {far, false};
      high_out = false;
    }
    Side& positive = sides_[0];
    positive.possible = !high || !high->negative;
    if (low && !low->negative) positive.least = {low->size, low_out};
    if (high) positive.most = {high->size, high_out};
    Side& negative = sides_[1];
    negative.possible = !low || low->negative;
    // -0 is no number of ours.
    negative.least = high && high->negative ? Bound{high->size, high_out} : Bound{{}, true};
    if (low) negative.most = {low->size, low_out};
  }

  Automaton Run() {
    std::vector<CharSet> classes;
    for (const char c : kAlphabet)
      classes.push_back(CharSet({{static_cast<unsigned char>(c), static_cast<unsigned char>(c)}}));
    DenseAutomaton dense;
    dense.classes = classes.size();
    NumberOf(State{});
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const State state = states_[i];
      DenseAutomaton::State made{Accepts(state), {}};
      for (const char c : kAlphabet) {
        const auto next = Next(state, c);
        made.next.push_back(next ? NumberOf(*next) : kNoState);
      }
      dense.states.push_back(std::move(made));
    }
    return Automaton::Of(classes, std::move(dense));
  }

 private:
  enum class Stage : std::uint8_t { kStart, kSign, kWhole, kPoint, kFraction, kE, kESign, kEZero, kEOne, kETwo };

  struct State {
    Stage stage = Stage::kStart;
    bool negative = false;
    bool zero = false;  // "0" stands before the point
    int whole = 0;      // digits so far
    int fraction = 0;   // digits so far
    int to_least = 0;   // how what is written compares with the bound's digits at the same places
    int to_most = 0;
    long rest = 0;  // of all digits, divided by the divisor

    auto Key() const { return std::tuple(stage, negative, zero, whole, fraction, to_least, to_most, rest); }
    bool operator<(const State& other) const { return Key() < other.Key(); }
  };

  std::int32_t NumberOf(const State& state) {
    const auto [found, added] = numbers_.try_emplace(state, static_cast<std::int32_t>(states_.size()));
    if (added) states_.push_back(state);
    return found->second;
  }

  const Side& SideOf(const State& state) const { return sides_[state.negative ? 1 : 0]; }

  static int AfterDigit(int order, char digit, char bound) {
    return order != 0 ? order : digit < bound ? -1 : digit > bound ? 1 : 0;
  }

  static int AfterWhole(const std::optional<Bound>& bound, int order, int place, char digit) {
    if (!bound) return 0;
    const std::string& whole = bound->size.whole;
    return place >= static_cast<int>(whole.size()) ? 1 : AfterDigit(order, digit, whole[place]);
  }

  // Behind the last digit before the point.
  static int WholeOrder(const std::optional<Bound>& bound, int order, int digits) {
    if (!bound) return 0;
    return digits < static_cast<int>(bound->size.whole.size()) ? -1 : order;
  }

  static int AfterFraction(const std::optional<Bound>& bound, int order, int place, char digit) {
    if (!bound) return 0;
    const std::string& fraction = bound->size.fraction;
    return AfterDigit(order, digit, place < static_cast<int>(fraction.size()) ? fraction[place] : '0');
  }

  // Of a number that ends here.
  static int EndOrder(const std::optional<Bound>& bound, const State& state, int order) {
    if (state.stage == Stage::kWhole) order = WholeOrder(bound, order, state.whole);
    return order == 0 && state.fraction < static_cast<int>(bound->size.fraction.size()) ? -1 : order;
  }

  bool InRange(const State& state) const {
    const Side& side = SideOf(state);
    if (side.least) {
      const int order = EndOrder(side.least, state, state.to_least);
      if (order < 0 || (order == 0 && side.least->exclusive)) return false;
    }
    if (side.most) {
      const int order = EndOrder(side.most, state, state.to_most);
      if (order > 0 || (order == 0 && side.most->exclusive)) return false;
    }
    if (divisor_ == 0) return true;
    long rest = state.rest;
    for (int i = state.fraction; i < decimals_; ++i) rest = rest * 10 % divisor_;
    return rest == 0;
  }

  bool Accepts(const State& state) const {
    switch (state.stage) {
      case Stage::kWhole:
      case Stage::kFraction:
        return InRange(state);
      case Stage::kEZero:
      case Stage::kEOne:
      case Stage::kETwo:
        return true;
      default:
        return false;
    }
  }

  std::optional<State> Next(State state, char c) const {
    const bool digit = c >= '0' && c <= '9';
    switch (state.stage) {
      case Stage::kStart:
        if (c == '-' && sides_[1].possible) {
          state.stage = Stage::kSign;
          state.negative = true;
          return state;
        }
        return digit && sides_[0].possible ? Whole(state, c) : std::nullopt;
      case Stage::kSign:
        return digit ? Whole(state, c) : std::nullopt;
      case Stage::kWhole:
        if (digit && !state.zero && state.whole < (integer_ ? kMaxIntegerDigits : kMaxDigits)) return Whole(state, c);
        if (c == '.' && !integer_) {
          const Side& side = SideOf(state);
          state.stage = Stage::kPoint;
          state.to_least = WholeOrder(side.least, state.to_least, state.whole);
          state.to_most = WholeOrder(side.most, state.to_most, state.whole);
          if (state.zero) state.whole = 0;
          state.zero = false;
          return state;
        }
        return Exponent(state, c);
      case Stage::kPoint:
      case Stage::kFraction:
        if (digit) return Fraction(state, c);
        return state.stage == Stage::kFraction ? Exponent(state, c) : std::nullopt;
      case Stage::kE:
        if (c == '+' || c == '-') return State{.stage = Stage::kESign};
        [[fallthrough]];
      case Stage::kESign:
        if (!digit) return {};
        return State{.stage = c == '0' ? Stage::kEZero : Stage::kEOne};
      case Stage::kEOne:
        return digit ? std::optional(State{.stage = Stage::kETwo}) : std::nullopt;
      default:
        return {};
    }
  }

  std::optional<State> Whole(State state, char digit) const {
    const Side& side = SideOf(state);
    state.stage = Stage::kWhole;
    state.zero = digit == '0' && state.whole == 0;
    state.to_least = AfterWhole(side.least, state.to_least, state.whole, digit);
    state.to_most = AfterWhole(side.most, state.to_most, state.whole, digit);
    Count(state, digit);
    ++state.whole;
    return state;
  }

  std::optional<State> Fraction(State state, char digit) const {
    if (state.whole + state.fraction >= kMaxDigits) return {};
    if (divisor_ != 0 && state.fraction >= decimals_) return {};
    const Side& side = SideOf(state);
    state.stage = Stage::kFraction;
    state.to_least = AfterFraction(side.least, state.to_least, state.fraction, digit);
    state.to_most = AfterFraction(side.most, state.to_most, state.fraction, digit);
    Count(state, digit);
    ++state.fraction;
    return state;
  }

  void Count(State& state, char digit) const {
    if (divisor_ != 0) state.rest = (state.rest * 10 + (digit - '0')) % divisor_;
  }

  std::optional<State> Exponent(const State& state, char c) const {
    if ((c != 'e' && c != 'E') || integer_ || !plain_ || !InRange(state)) return {};
    return State{.stage = Stage::kE};
  }

  bool integer_;
  bool plain_;  // nothing is asked of the number
  long divisor_;
  int decimals_;
  std::array<Side, 2> sides_;  // of 0 and more, and of less
  std::map<State, std::int32_t> numbers_;
  std::vector<State> states_;
};

}  // namespace

Result<Automaton> NumberLanguage(const NumberRange& range) {
  long divisor = 0;
  int decimals = 0;
  if (range.multiple_of) {
    const Signed number = Parse(*range.multiple_of);
    if (number.negative || number.size.zero()) return Status(Code::kInvalidArgument, "must be above 0");
    decimals = static_cast<int>(std::min<std::size_t>(number.size.fraction.size(), 100));
    const std::string digits = number.size.whole + number.size.fraction;
    const std::size_t first = digits.find_first_not_of('0');
    if (decimals > kMaxDivisorDecimals || digits.size() - first > 4 || std::stol(digits.substr(first)) > kMaxDivisor) {
      return Status(Code::kInvalidArgument,
                    "has too many digits to be kept: use one of at most 1000 units of its last digit");
    }
    divisor = std::stol(digits.substr(first));
  }
  return Builder(range, divisor, decimals).Run();
}

bool IsInRange(const std::string& decimal, const NumberRange& range) {
  const Signed number = Parse(decimal);
  if (range.integer && !number.size.fraction.empty()) return false;
  if (range.minimum) {
    const int order = Compare(number, Parse(range.minimum->decimal));
    if (order < 0 || (order == 0 && range.minimum->exclusive)) return false;
  }
  if (range.maximum) {
    const int order = Compare(number, Parse(range.maximum->decimal));
    if (order > 0 || (order == 0 && range.maximum->exclusive)) return false;
  }
  return true;
}

}  // namespace medinfer
