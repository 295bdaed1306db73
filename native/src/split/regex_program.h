// A regular expression as instructions of a nondeterministic automaton. Where one can go on in two ways, the first is
// preferred: the match that a backtracking search would find is the one of the preferred way that leads to a match.
#pragma once

#include <cstdint>
#include <vector>

#include "split/regex_parser.h"
#include "split/symbol_set.h"

namespace medinfer {

struct RegexInstruction {
  enum class Op : std::uint8_t { kSymbol, kAhead, kSplit, kJump, kMatch };
  Op op = Op::kMatch;
  bool negated = false;      // kAhead
  std::uint32_t set = 0;     // kSymbol, kAhead: into RegexProgram::sets
  std::uint32_t first = 0;   // kSplit, kJump: where it goes on
  std::uint32_t second = 0;  // kSplit: where else
};

struct RegexProgram {
  std::vector<RegexInstruction> instructions;  // begins at the first; the last one is kMatch
  std::vector<SymbolSet> sets;
};

// Throws UnsupportedRegex where it gets too long.
RegexProgram CompileRegex(const RegexNode& regex);

}  // namespace medinfer
