// How a model writes reasoning and calls of tools, as its chat template says, and answers read by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "medinfer/status.h"

namespace medinfer {

struct ToolDefinition {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema of an object
};

enum class ToolChoice : std::uint8_t {
  kNone,      // no call is made
  kAuto,      // the model decides
  kRequired,  // the answer ends with a call
};

struct AnswerFormatOptions {
  std::vector<ToolDefinition> tools;  // those that may be called
  ToolChoice choice = ToolChoice::kNone;
  bool parallel = true;   // more than one call may be made
  std::string variables;  // a JSON object: values of the template's own variables; empty: none
  // What the prompt ends with behind the last message, prefilled text included. Unset: what the template writes there.
  std::optional<std::string> opening{};
  std::string answer{};  // the JSON Schema of an answer that calls nothing; empty: prose
};

// A call as the model wrote it.
struct ParsedCall {
  std::string name;
  std::string arguments;  // JSON, as far as it is written
  std::string id;         // empty: the format has none
  bool complete = false;  // nothing more belongs to it
};

struct ParsedAnswer {
  bool fits = false;  // the text is what the format says, or a beginning of it
  std::string content;
  std::string reasoning;
  std::vector<ParsedCall> calls;
};

// What the answer to one request looks like. Immutable: any thread.
class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;

  // What the template writes at the beginning of the model's turn: the grammar's text and the parsed one begin with it.
  virtual const std::string& opening() const = 0;
  // GBNF of the model's turn; empty: no call can be made, and no schema holds.
  virtual const std::string& grammar() const = 0;
  // What stands around reasoning; both empty: nothing is known of any.
  virtual const std::string& reasoning_open() const = 0;
  virtual const std::string& reasoning_close() const = 0;
  // Whether a turn is no more than an answer, with or without one block of reasoning before it.
  virtual bool plain() const = 0;

  // Reads what the model has written so far, without the opening. Takes time in proportion to the text.
  virtual ParsedAnswer Parse(std::string_view text) const = 0;
};

// What a chat template says of answers. Immutable: any thread.
class ChatFormat {
 public:
  virtual ~ChatFormat() = default;

  // `source`: Jinja. kInvalidArgument where no format can be found in it. Takes some tens of milliseconds.
  static Result<std::shared_ptr<const ChatFormat>> Create(const std::string& source, const std::string& bos_token,
                                                          const std::string& eos_token);

  // Whether the template has a form for calls of tools.
  virtual bool calls() const = 0;

  // kInvalidArgument where a schema cannot be kept, or tools may be called without a form for it.
  virtual Result<std::shared_ptr<const AnswerFormat>> For(const AnswerFormatOptions& options) const = 0;
};

}  // namespace medinfer
