#include "medinfer/answer_format.h"

#include <chat-auto-parser.h>
#include <chat.h>
#include <parsers/parsers.h>

#include <exception>
#include <optional>
#include <utility>

#include "chat/answer_grammar.h"
#include "chat/answer_parser.h"
#include "medinfer/json_schema.h"

namespace medinfer {
namespace {

// What a format needs to know of a schema is which arguments there are and what types they have. llama.cpp's own reader
// takes fewer schemas than ours.
json Outline(const ToolSchema& schema) {
  json properties = json::object();
  json required = json::array();
  for (const ToolSchema::Argument& argument : schema.arguments()) {
    properties[argument.name] = json::parse(argument.outline.dump());
    if (argument.required) required.push_back(argument.name);
  }
  json outline = json::object();
  outline["type"] = "object";
  outline["properties"] = properties;
  outline["required"] = required;
  return outline;
}

common_chat_tool_choice ChoiceOf(ToolChoice choice) {
  if (choice == ToolChoice::kNone) return COMMON_CHAT_TOOL_CHOICE_NONE;
  return choice == ToolChoice::kAuto ? COMMON_CHAT_TOOL_CHOICE_AUTO : COMMON_CHAT_TOOL_CHOICE_REQUIRED;
}

std::string Trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

class PegAnswerFormat final : public AnswerFormat {
 public:
  PegAnswerFormat(const common_chat_params& params, std::string open, std::string close)
      : format_(params.format),
        opening_(params.generation_prompt),
        reasoning_open_(std::move(open)),
        reasoning_close_(std::move(close)) {
    arena_.load(params.parser);
  }

  const std::string& opening() const override { return opening_; }
  const std::string& grammar() const override { return grammar_; }
  const std::string& reasoning_open() const override { return reasoning_open_; }
  const std::string& reasoning_close() const override { return reasoning_close_; }

  ParsedAnswer Parse(std::string_view text) const override {
    return ParseAnswer(arena_, format_, opening_ + std::string(text));
  }

  bool plain() const override { return plain_; }

  const common_peg_arena& arena() const { return arena_; }
  void SetGrammar(std::string grammar) { grammar_ = std::move(grammar); }
  void SetPlain(bool plain) { plain_ = plain; }

 private:
  common_peg_arena arena_;
  common_chat_format format_;
  std::string opening_;
  std::string grammar_;
  std::string reasoning_open_;
  std::string reasoning_close_;
  bool plain_ = false;
};

class TemplateFormat final : public ChatFormat {
 public:
  TemplateFormat(const std::string& source, const std::string& bos, const std::string& eos)
      : template_(source, bos, eos) {
    autoparser::generation_params params = Params({});
    // A dialect that llama.cpp has a parser of its own for needs no analysis.
    special_ = common_chat_try_specialized_template(template_, template_.source(), params).has_value();
    if (!special_) analysis_.analyze_template(template_);
  }

  bool calls() const override { return special_ || analysis_.tools.format.mode != autoparser::tool_format::NONE; }

  Result<std::shared_ptr<const AnswerFormat>> For(const AnswerFormatOptions& options) const override {
    try {
      autoparser::generation_params params = Params(options.variables);
      std::vector<NamedSchema> tools;
      json described = json::array();
      for (const ToolDefinition& tool : options.tools) {
        auto schema = ToolSchema::Parse(tool.parameters);
        if (!schema.ok())
          return Status{Code::kInvalidArgument, "tool \"" + tool.name + "\": " + schema.status().message()};
        json function = json::object();
        function["name"] = tool.name;
        function["description"] = tool.description;
        function["parameters"] = Outline(schema.value());
        json entry = json::object();
        entry["type"] = "function";
        entry["function"] = function;
        described.push_back(entry);
        tools.push_back({tool.name, std::move(schema.value())});
      }
      const bool calling = !tools.empty() && options.choice != ToolChoice::kNone;
      if (!tools.empty()) params.tools = described;
      params.tool_choice = calling ? ChoiceOf(options.choice) : COMMON_CHAT_TOOL_CHOICE_NONE;
      params.parallel_tool_calls = options.parallel;
      common_chat_params made = ParamsOf(params);
      if (options.opening) {
        // Upstream turns thinking on where nobody says anything; the template that wrote the prompt may not have.
        const std::string tag = Trimmed(made.thinking_start_tag);
        if (!tag.empty() && made.generation_prompt.find(tag) != std::string::npos &&
            options.opening->find(tag) == std::string::npos) {
          params.enable_thinking = false;
          made = ParamsOf(params);
        }
        made.generation_prompt = *options.opening;
      }
      const std::string open = Trimmed(made.thinking_start_tag);
      const std::string close =
          made.thinking_end_tags.empty() ? std::string() : Trimmed(made.thinking_end_tags.front());
      auto format = std::make_shared<PegAnswerFormat>(made, open, close);
      format->SetPlain(!calling && !special_ && analysis_.content.mode == autoparser::content_mode::PLAIN);
      if (calling && !calls()) {
        return Status{Code::kInvalidArgument, "the chat template has no form for calls of tools"};
      }
      if (!calling && options.answer.empty()) return std::shared_ptr<const AnswerFormat>(std::move(format));
      std::string answer;
      if (!options.answer.empty()) {
        auto grammar = JsonSchemaToGrammar(options.answer);
        if (!grammar.ok()) return grammar.status();
        answer = std::move(grammar.value());
      }
      format->SetGrammar(GrammarOf(format->arena(), params, tools, answer));
      return std::shared_ptr<const AnswerFormat>(std::move(format));
    } catch (const std::exception& error) {
      return Status{Code::kInvalidArgument, std::string("tools: ") + error.what()};
    }
  }

 private:
  static autoparser::generation_params Params(const std::string& variables) {
    autoparser::generation_params params;
    json message = json::object();
    message["role"] = "user";
    message["content"] = "question";
    params.messages = json::array({message});
    params.add_generation_prompt = true;
    params.render_tools = false;
    params.reasoning_format = COMMON_REASONING_FORMAT_AUTO;
    params.extra_context = variables.empty() ? json::object() : json::parse(variables);
    const json& context = params.extra_context;
    if (context.contains("enable_thinking") && context["enable_thinking"].is_boolean()) {
      params.enable_thinking = context["enable_thinking"].get<bool>();
    }
    return params;
  }

  // A turn that calls tools, or one that answers: with a schema for answers these are two grammars.
  std::string GrammarOf(const common_peg_arena& arena, autoparser::generation_params params,
                        const std::vector<NamedSchema>& tools, const std::string& answer) const {
    using Answer = AnswerGrammar::Answer;
    RuleBook book;
    const common_chat_tool_choice choice = params.tool_choice;
    const Answer nothing{Answer::Kind::kNothing};
    if (choice == COMMON_CHAT_TOOL_CHOICE_REQUIRED) return book.Text(AnswerGrammar(book, arena, tools, nothing).Root());
    if (answer.empty()) {
      const Answer prose;
      return book.Text(AnswerGrammar(book, arena, tools, prose).Root());
    }
    const auto turn = [&](common_chat_tool_choice with, const Answer& says) {
      params.tool_choice = with;
      common_peg_arena other;
      other.load(ParamsOf(params).parser);
      return AnswerGrammar(book, other, tools, says).Root();
    };
    std::string root = turn(COMMON_CHAT_TOOL_CHOICE_NONE, {Answer::Kind::kGrammar, answer});
    if (choice == COMMON_CHAT_TOOL_CHOICE_AUTO) {
      root = book.Add("turn", root + " | " + turn(COMMON_CHAT_TOOL_CHOICE_REQUIRED, nothing));
    }
    return book.Text(root);
  }

  common_chat_params ParamsOf(autoparser::generation_params& params) const {
    if (special_) return *common_chat_try_specialized_template(template_, template_.source(), params);
    common_chat_params made = autoparser::peg_generator::generate_parser(template_, params, analysis_);
    made.supports_thinking = analysis_.reasoning.mode != autoparser::reasoning_mode::NONE;
    if (made.supports_thinking) {
      made.thinking_start_tag = analysis_.reasoning.start;
      made.thinking_end_tags = {analysis_.reasoning.end};
    }
    return made;
  }

  common_chat_template template_;
  bool special_ = false;
  autoparser::autoparser analysis_;
};

}  // namespace

Result<std::shared_ptr<const ChatFormat>> ChatFormat::Create(const std::string& source, const std::string& bos_token,
                                                             const std::string& eos_token) {
  try {
    return std::shared_ptr<const ChatFormat>(std::make_shared<TemplateFormat>(source, bos_token, eos_token));
  } catch (const std::exception&) {
    return Status{Code::kInvalidArgument, "the chat template's form of answers cannot be found"};
  }
}

}  // namespace medinfer
