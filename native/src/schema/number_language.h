// The JSON numbers of a range, or the multiples of one, as an automaton.
#pragma once

#include <optional>
#include <string>

#include "medinfer/status.h"
#include "schema/automaton.h"

namespace medinfer {

struct NumberBound {
  std::string decimal;  // as JSON writes it
  bool exclusive = false;
};

struct NumberRange {
  std::optional<NumberBound> minimum;
  std::optional<NumberBound> maximum;
  std::optional<std::string> multiple_of;  // as JSON writes it
  bool integer = false;
};

// Every number that it takes is a double exactly as far as it is written: integers up to 2^53 - 1, others of at most
// 15 digits, -0 never. Without bounds, it takes exponents up to 99 too. The language is empty where no number is left.
// kInvalidArgument, with a message that goes on from "multipleOf", where that has too many digits or is not above 0.
Result<Automaton> NumberLanguage(const NumberRange& range);

// Whether the number lies in the range; multiple_of is not looked at.
bool IsInRange(const std::string& decimal, const NumberRange& range);

}  // namespace medinfer
