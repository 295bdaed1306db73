#include "schema/number_range.h"

#include <algorithm>
#include <vector>

namespace medinfer {
namespace {

constexpr std::size_t kDigits = 15;  // what a double holds exactly

Status Wrong(const std::string& what) { return {Code::kInvalidArgument, what}; }

// A number of 0 or more: digits before and after the point, without leading and trailing zeros.
struct Decimal {
  std::string whole = "0";
  std::string fraction;
  bool exclusive = false;

  bool zero() const { return whole == "0" && fraction.empty(); }
};

int Compare(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

// Alternatives of a rule.
class Alternatives {
 public:
  void Add(const std::string& alternative) { list_.push_back(alternative); }
  bool empty() const { return list_.empty(); }
  std::string Joined() const {
    std::string joined;
    for (const std::string& alternative : list_) {
      if (!joined.empty()) joined += " | ";
      joined += alternative;
    }
    return joined;
  }

 private:
  std::vector<std::string> list_;
};

std::string Literal(const std::string& text) {
  std::string literal;
  literal.append(1, '"').append(text).append(1, '"');
  return literal;
}

std::string Class(char from, char to) {
  std::string range;
  range.append(1, '[').append(1, from).append(1, '-').append(1, to).append(1, ']');
  return range;
}

std::string Repeated(std::size_t least, std::size_t most) {
  if (most == 0) return {};
  return " [0-9]{" + std::to_string(least) + "," + std::to_string(most) + "}";
}

// Numbers of as many digits as `low` and `high` have, from the one to the other. REQUIRES: low <= high.
void SameLength(const std::string& prefix, const std::string& low, const std::string& high, Alternatives& out) {
  if (low == high) {
    out.Add(Literal(prefix + low));
    return;
  }
  const std::size_t n = low.size();
  const std::size_t rest = n - 1;
  if (low[0] == high[0]) {
    SameLength(prefix + low[0], low.substr(1), high.substr(1), out);
    return;
  }
  const auto lead = prefix.empty() ? std::string() : Literal(prefix) + " ";
  char from = low[0];
  char to = high[0];
  if (low.substr(1) != std::string(rest, '0')) {
    SameLength(prefix + from, low.substr(1), std::string(rest, '9'), out);
    ++from;
  }
  const bool cut = high.substr(1) != std::string(rest, '9');
  if (cut) --to;
  if (from <= to) out.Add(lead + Class(from, to) + Repeated(rest, rest));
  if (cut) SameLength(prefix + high[0], std::string(rest, '0'), high.substr(1), out);
}

std::string PlusOne(std::string digits) {
  for (std::size_t i = digits.size(); i-- > 0;) {
    if (digits[i]++ != '9') return digits;
    digits[i] = '0';
  }
  return "1" + digits;
}

std::string MinusOne(std::string digits) {
  for (std::size_t i = digits.size(); i-- > 0;) {
    if (digits[i]-- != '0') break;
    digits[i] = '9';
  }
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

// Whole numbers from `low` to `high`, both of 0 or more. REQUIRES: low <= high.
std::string WholeNumbers(const std::string& low, const std::string& high) {
  Alternatives out;
  std::string from = low;
  for (std::size_t digits = low.size(); digits < high.size(); ++digits) {
    SameLength("", from, std::string(digits, '9'), out);
    from = "1" + std::string(digits, '0');
  }
  SameLength("", from, high, out);
  return out.Joined();
}

// What may stand behind the point so that 0.… is at least (or more than) 0.`low`; `left` digits may be written.
std::string FractionFrom(const std::string& low, bool exclusive, std::size_t left) {
  if (low.empty()) {
    if (!exclusive) return left == 0 ? "\"\"" : Repeated(0, left).substr(1);
    const std::size_t zeros = left / 2;
    return "\"0\"{0," + std::to_string(zeros) + "} [1-9]" + Repeated(0, left - 1 - zeros);
  }
  Alternatives out;
  const std::string rest = FractionFrom(low.substr(1), exclusive, left - 1);
  out.Add(Literal(low.substr(0, 1)) + " (" + rest + ")");
  if (low[0] < '9') out.Add(Class(static_cast<char>(low[0] + 1), '9') + Repeated(0, left - 1));
  return out.Joined();
}

// What may stand behind the point so that 0.… is at most (or less than) 0.`high`; empty: nothing may.
std::string FractionTo(const std::string& high, bool exclusive, std::size_t left) {
  if (high.empty()) return {};
  Alternatives out;
  if (high[0] > '0') out.Add(Class('0', static_cast<char>(high[0] - 1)) + Repeated(0, left - 1));
  const bool last = high.size() == 1;
  if (!last || !exclusive) {
    const std::string rest = FractionTo(high.substr(1), exclusive, left - 1);
    out.Add(Literal(high.substr(0, 1)) + (rest.empty() ? "" : " (" + rest + ")?"));
  }
  return out.Joined();
}

// Both bounds have the same digits before the point. Trailing zeros are written so that digits can be compared.
std::string FractionBetween(const Decimal& low, const Decimal& high, std::size_t left) {
  std::string a = low.fraction;
  std::string b = high.fraction;
  if (a.empty() && b.empty()) return {};
  std::size_t same = 0;
  a.resize(std::max(a.size(), b.size()), '0');
  b.resize(a.size(), '0');
  while (same < a.size() && a[same] == b[same]) ++same;
  const std::string lead = same == 0 ? "" : Literal(a.substr(0, same)) + " ";
  if (same == a.size()) return Literal(a);
  const auto trimmed = [](std::string digits) {
    digits.erase(digits.find_last_not_of('0') + 1);
    return digits;
  };
  const std::size_t after = left - same - 1;
  Alternatives out;
  const std::string from = FractionFrom(trimmed(a.substr(same + 1)), low.exclusive, after);
  out.Add(Literal(a.substr(same, 1)) + " (" + from + ")");
  if (a[same] + 1 < b[same]) {
    out.Add(Class(static_cast<char>(a[same] + 1), static_cast<char>(b[same] - 1)) + Repeated(0, after));
  }
  const std::string rest = trimmed(b.substr(same + 1));
  const std::string to = FractionTo(rest, high.exclusive, after);
  if (!to.empty() || !high.exclusive) {
    out.Add(Literal(b.substr(same, 1)) + (to.empty() ? "" : " (" + to + ")?"));
  }
  return lead + "(" + out.Joined() + ")";
}

// Numbers from `low` to `high`, both of 0 or more; empty: there is none.
std::string Positive(const Decimal& low, const Decimal& high, bool integer) {
  const int order = Compare(low, high);
  if (order > 0 || (order == 0 && (low.exclusive || high.exclusive))) return {};
  if (integer) {
    std::string from = low.whole;
    if (!low.fraction.empty() || low.exclusive) from = PlusOne(from);
    if (high.zero() && high.exclusive) return {};
    const std::string to = high.exclusive && high.fraction.empty() ? MinusOne(high.whole) : high.whole;
    if (Compare({from, "", false}, {to, "", false}) > 0) return {};
    return WholeNumbers(from, to);
  }
  const std::size_t left = kDigits - std::min(kDigits - 1, high.whole.size());
  if (low.whole == high.whole) {
    const std::string fraction = FractionBetween(low, high, left);
    Alternatives out;
    if (low.fraction.empty() && !low.exclusive) out.Add(Literal(low.whole));
    if (!fraction.empty()) out.Add(Literal(low.whole) + " \".\" (" + fraction + ")");
    return out.Joined();
  }
  const std::string any = " (\".\" [0-9]{1," + std::to_string(left) + "})?";
  Alternatives out;
  if (low.fraction.empty() && !low.exclusive) {
    out.Add(Literal(low.whole) + any);
  } else {
    out.Add(Literal(low.whole) + " \".\" (" + FractionFrom(low.fraction, low.exclusive, left) + ")");
  }
  const std::string first = PlusOne(low.whole);
  if (first != high.whole) out.Add("(" + WholeNumbers(first, MinusOne(high.whole)) + ")" + any);
  const std::string to = FractionTo(high.fraction, high.exclusive, left);
  if (!high.fraction.empty() || !high.exclusive) {
    out.Add(Literal(high.whole) + (to.empty() ? "" : " (\".\" (" + to + "))?"));
  }
  return out.Joined();
}

struct Signed {
  Decimal size;
  bool negative = false;
};

Result<Signed> Parse(const NumberBound& bound) {
  Signed number;
  std::string text = bound.decimal;
  number.negative = text.starts_with('-');
  if (number.negative) text.erase(0, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  const std::size_t point = text.find('.');
  number.size.whole = text.substr(0, point);
  if (point != std::string::npos) number.size.fraction = text.substr(point + 1);
  number.size.exclusive = bound.exclusive;
  const std::string digits = number.size.whole + number.size.fraction;
  if (digits.size() > kDigits - 1 || digits.find_first_not_of("0123456789") != std::string::npos) {
    return Wrong("must be a number of at most 14 digits without an exponent");
  }
  if (number.size.zero()) number.negative = false;
  return number;
}

}  // namespace

Result<std::string> NumberRangeRule(const std::optional<NumberBound>& minimum,
                                    const std::optional<NumberBound>& maximum, bool integer) {
  Signed low;
  Signed high;
  for (const auto& [given, bound] : {std::pair(&minimum, &low), std::pair(&maximum, &high)}) {
    if (!*given) continue;
    auto parsed = Parse(**given);
    if (!parsed.ok()) return parsed.status();
    *bound = parsed.value();
  }
  // Where there is no bound, numbers end at one that leaves room for digits behind the point.
  const std::size_t digits = std::max(low.size.whole.size(), high.size.whole.size()) + 1;
  const std::string far(integer ? kDigits - 1 : std::clamp(digits, std::size_t{9}, kDigits - 1), '9');
  if (!minimum) low = {{far, "", false}, true};
  if (!maximum) high = {{far, "", false}, false};
  if (!integer && std::max(low.size.whole.size(), high.size.whole.size()) +
                          std::max(low.size.fraction.size(), high.size.fraction.size()) >
                      kDigits - 1) {
    return Wrong("must have at most 14 digits between both bounds");
  }
  Alternatives out;
  if (low.negative) {
    // Below 0 the bounds change places. 0 itself is left to the other half.
    const Decimal nearest = high.negative ? high.size : Decimal{"0", "", true};
    const std::string negative = Positive(nearest, low.size, integer);
    if (!negative.empty()) out.Add("\"-\" (" + negative + ")");
  }
  if (!high.negative) {
    const std::string positive = Positive(low.negative ? Decimal{} : low.size, high.size, integer);
    if (!positive.empty()) out.Add(positive);
  }
  if (out.empty()) return Wrong("leaves no number between the minimum and the maximum");
  return out.Joined();
}

}  // namespace medinfer
