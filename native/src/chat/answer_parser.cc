#include "chat/answer_parser.h"

#include <chat-peg-parser.h>

#include <algorithm>
#include <exception>
#include <memory>

namespace medinfer {
namespace {

using Builder = common_chat_peg_builder;

// Brackets in brackets. The parser goes as deep as the text does, and no argument that a schema of ours allows is
// deeper.
constexpr int kMaxNesting = 200;

bool NestsTooDeeply(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') {
      if (++depth > kMaxNesting) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::unique_ptr<common_chat_peg_mapper> MapperOf(common_chat_format format, common_chat_msg& message) {
  if (format == COMMON_CHAT_FORMAT_PEG_GEMMA4) return std::make_unique<common_chat_peg_gemma4_mapper>(message);
  if (format == COMMON_CHAT_FORMAT_PEG_MINIMAX_M3) return std::make_unique<common_chat_peg_minimax_m3_mapper>(message);
  return std::make_unique<common_chat_peg_mapper>(message);
}

// Which of the calls are complete, in order.
std::vector<bool> CompleteCalls(const common_peg_ast_arena& ast, const common_peg_parse_result& result) {
  std::vector<bool> complete;
  std::size_t whole = 0;  // the next call stands in a node that is complete
  ast.visit(result, [&](const common_peg_ast_node& node) {
    if (node.tag == Builder::TOOL && !node.is_partial) ++whole;
    if (node.tag == Builder::TOOL_OPEN) {
      complete.push_back(whole > 0);
      whole = 0;
    }
    if (node.tag == Builder::TOOL_CLOSE && !node.is_partial && !complete.empty()) complete.back() = true;
  });
  // Formats whose calls have no end of their own: another one begins behind it, or the turn is whole.
  for (std::size_t i = 0; i + 1 < complete.size(); ++i) complete[i] = true;
  if (result.success() && !complete.empty()) complete.back() = true;
  return complete;
}

}  // namespace

ParsedAnswer ParseAnswer(const common_peg_arena& arena, common_chat_format format, const std::string& text) {
  ParsedAnswer answer;
  if (NestsTooDeeply(text)) return answer;
  try {
    common_peg_parse_context context(text, COMMON_PEG_PARSE_FLAG_LENIENT);
    const common_peg_parse_result result = arena.parse(context);
    if (result.fail()) return answer;
    common_chat_msg message;
    MapperOf(format, message)->from_ast(context.ast, result);
    const std::vector<bool> complete = CompleteCalls(context.ast, result);
    answer.fits = true;
    answer.content = std::move(message.content);
    answer.reasoning = std::move(message.reasoning_content);
    for (common_chat_tool_call& call : message.tool_calls) {
      const std::size_t place = answer.calls.size();
      answer.calls.push_back({std::move(call.name), std::move(call.arguments), std::move(call.id),
                              place < complete.size() && complete[place]});
    }
  } catch (const std::exception&) {
    answer = {};
  }
  return answer;
}

}  // namespace medinfer
