// The decimal numbers of a range, as a GBNF rule. llama.cpp's converter has none for numbers, and its own for integers
// lets smaller ones through where only a minimum is given.
#pragma once

#include <optional>
#include <string>

#include "medinfer/status.h"

namespace medinfer {

struct NumberBound {
  std::string decimal;  // as JSON writes it
  bool exclusive = false;
};

// The right side of a rule. At most 15 digits are written, so that no number is rounded over a bound when it is read.
// kInvalidArgument where a bound has more digits than that or an exponent, or where no number is left.
Result<std::string> NumberRangeRule(const std::optional<NumberBound>& minimum,
                                    const std::optional<NumberBound>& maximum, bool integer);

}  // namespace medinfer
