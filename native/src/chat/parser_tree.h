// Questions about a format's parser: what stands in a part of it.
#pragma once

#include <peg-parser.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace medinfer {

// A part is a parser and all that it is made of, rules that it refers to included. What a parser looks ahead for is
// none of it, because nobody writes that.
class ParserTree {
 public:
  // `arena` outlives it.
  explicit ParserTree(const common_peg_arena& arena) : arena_(arena) {}

  // The parser as one of its kinds; null: it is of another.
  template <typename T>
  const T* As(common_peg_parser_id id) const {
    return std::get_if<T>(&arena_.get(id));
  }
  // What a reference refers to; other parsers themselves.
  common_peg_parser_id Resolved(common_peg_parser_id id) const;
  std::vector<common_peg_parser_id> Children(common_peg_parser_id id) const;

  bool Holds(common_peg_parser_id id, std::string_view tag);
  bool HoldsSchema(common_peg_parser_id id);
  // Whether it names a tool or an argument, or holds a value of one.
  bool Speaks(common_peg_parser_id id);
  std::vector<std::string> Literals(common_peg_parser_id id) const;
  // The literals of the argument's name that stands first; empty: there is none.
  std::vector<std::string> ArgumentNames(common_peg_parser_id id) const;
  // What ends the first text that goes on until something; null: there is none.
  const std::vector<std::string>* Delimiters(common_peg_parser_id id) const;

 private:
  // Calls `visit` with each parser of a part, in order and once, until it returns true; then Any does.
  template <typename Visit>
  bool Any(common_peg_parser_id id, Visit visit) const;

  // Whether the test is true of a parser of the part; asked once for each `what`, which names the test.
  template <typename Test>
  bool Holds(common_peg_parser_id id, std::string_view what, Test test);

  const common_peg_arena& arena_;
  // By part and tag; with no tag: whether it holds a value to a schema.
  std::map<std::pair<common_peg_parser_id, std::string>, bool> holds_;
};

}  // namespace medinfer
