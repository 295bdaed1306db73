#include "schema/number_language.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace medinfer::testing {
namespace {

std::string Decimal(int hundredths) {
  std::string text = std::to_string(std::abs(hundredths) / 100);
  const int rest = std::abs(hundredths) % 100;
  if (rest > 0)
    text += rest % 10 == 0 ? "." + std::to_string(rest / 10) : (rest < 10 ? ".0" : ".") + std::to_string(rest);
  return (hundredths < 0 ? "-" : "") + text;
}

// All hundredths around random ranges: taken where they lie inside, and nowhere else.
TEST(NumberLanguage, TakesTheNumbersOfTheRangeAndNoOthers) {
  std::mt19937 random(5);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 150; ++round) {
    const int low = pick(-1500, 1500);
    const int high = low + pick(0, 1500);
    const bool has_low = round % 5 != 1;
    const bool has_high = round % 5 != 2;
    const bool low_out = pick(0, 1) == 1;
    const bool high_out = pick(0, 1) == 1;
    const int step = round % 4 == 0 ? pick(1, 300) : 0;
    NumberRange range;
    range.integer = round % 3 == 0;
    if (has_low) range.minimum = NumberBound{Decimal(low), low_out};
    if (has_high) range.maximum = NumberBound{Decimal(high), high_out};
    if (step > 0) range.multiple_of = Decimal(step);
    const auto language = NumberLanguage(range);
    ASSERT_TRUE(language.ok());
    for (int n = low - 300; n <= high + 300; ++n) {
      const bool inside = (!range.integer || n % 100 == 0) && (step == 0 || n % step == 0) &&
                          (!has_low || (low_out ? n > low : n >= low)) &&
                          (!has_high || (high_out ? n < high : n <= high));
      ASSERT_EQ(language.value().Takes(Decimal(n)), inside)
          << Decimal(n) << " of " << (has_low ? Decimal(low) : "") << " to " << (has_high ? Decimal(high) : "")
          << " by " << step << (range.integer ? " integer" : "");
      if (step == 0) {
        ASSERT_EQ(IsInRange(Decimal(n), range), inside);
      }
    }
  }
}

TEST(NumberLanguage, WritesOnlyWhatADoubleHolds) {
  const Automaton integers = NumberLanguage({.minimum = {}, .maximum = {}, .multiple_of = {}, .integer = true}).value();
  EXPECT_TRUE(integers.Takes("9007199254740991"));
  EXPECT_TRUE(integers.Takes("-9007199254740991"));
  for (const char* wrong :
       {"9007199254740992", "-9007199254740992", "10000000000000000", "-0", "01", "1.0", "1e2", ""}) {
    EXPECT_FALSE(integers.Takes(wrong)) << wrong;
  }
  const Automaton numbers = NumberLanguage({.minimum = {}, .maximum = {}, .multiple_of = {}}).value();
  for (const char* right : {"0", "0.5", "-0.001", "123456789012345", "12345678901234.5", "1.5e10", "1E-9", "-2e+99"}) {
    EXPECT_TRUE(numbers.Takes(right)) << right;
  }
  for (const char* wrong :
       {"-0", "-0.0", "-0e1", "1234567890123456", "1.234567890123456", "1e100", "1e999", ".5", "1.", "+1"}) {
    EXPECT_FALSE(numbers.Takes(wrong)) << wrong;
  }
}

TEST(NumberLanguage, KeepsBoundsOfAnySize) {
  const auto between = [](const char* low, const char* high) {
    return NumberLanguage({.minimum = NumberBound{low}, .maximum = NumberBound{high}, .multiple_of = {}}).value();
  };
  EXPECT_TRUE(between("-1.7976931348623157e+308", "1.7976931348623157e+308").Takes("123456789012345"));
  EXPECT_TRUE(between("1e-07", "1").Takes("0.0000001"));
  EXPECT_FALSE(between("1e-07", "1").Takes("0.00000009"));
  EXPECT_TRUE(between("0.30000000000000004", "1").Takes("0.300000000000001"));
  EXPECT_FALSE(between("0.30000000000000004", "1").Takes("0.3"));
  EXPECT_TRUE(between("2", "1").empty());
  EXPECT_TRUE(
      NumberLanguage(
          {.minimum = NumberBound{"1", true}, .maximum = NumberBound{"2", true}, .multiple_of = {}, .integer = true})
          .value()
          .empty());
  for (const char* wrong : {"0", "-1", "0.12345", "1234567"}) {
    EXPECT_FALSE(NumberLanguage({.minimum = {}, .maximum = {}, .multiple_of = wrong}).ok()) << wrong;
  }
}

}  // namespace
}  // namespace medinfer::testing
