// What is found in chat templates. How each of llama.cpp's is read: test/engine/tool-formats.test.ts.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "medinfer/answer_format.h"
#include "support/places.h"

namespace medinfer::testing {
namespace {

std::string TemplateText(const std::string& name) {
  std::ifstream file(std::string(places::kLlamaModels) + "/templates/" + name + ".jinja");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

AnswerFormatOptions Looking(ToolChoice choice) {
  AnswerFormatOptions options;
  options.tools.push_back({"look", "Looks.", R"({"type":"object","properties":{"at":{"type":"string"}}})"});
  options.choice = choice;
  return options;
}

TEST(ChatFormat, ReadsReasoningProseAndCalls) {
  const auto chat = ChatFormat::Create(TemplateText("Qwen-Qwen3-0.6B"), "", "");
  ASSERT_TRUE(chat.ok()) << chat.status().message();
  EXPECT_TRUE(chat.value()->calls());
  const auto format = chat.value()->For(Looking(ToolChoice::kAuto));
  ASSERT_TRUE(format.ok()) << format.status().message();
  EXPECT_EQ(format.value()->reasoning_open(), "<think>");
  EXPECT_EQ(format.value()->reasoning_close(), "</think>");
  const std::string text =
      "<think>\nHm.\n</think>\n\nLet me look.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"it\"}}\n"
      "</tool_call>";
  const ParsedAnswer whole = format.value()->Parse(text);
  ASSERT_TRUE(whole.fits);
  EXPECT_NE(whole.reasoning.find("Hm."), std::string::npos);
  EXPECT_NE(whole.content.find("Let me look."), std::string::npos);
  ASSERT_EQ(whole.calls.size(), 1U);
  EXPECT_EQ(whole.calls[0].name, "look");
  EXPECT_TRUE(whole.calls[0].complete);
  // A call is complete with its last brace, and not before.
  const ParsedAnswer cut = format.value()->Parse(text.substr(0, text.find("it\"}}") + 3));
  ASSERT_EQ(cut.calls.size(), 1U);
  EXPECT_FALSE(cut.calls[0].complete);
}

TEST(ChatFormat, KnowsAPlainTurn) {
  const auto chat = ChatFormat::Create(TemplateText("Qwen-Qwen3-0.6B"), "", "");
  ASSERT_TRUE(chat.ok());
  const auto format = chat.value()->For(Looking(ToolChoice::kNone));
  ASSERT_TRUE(format.ok());
  EXPECT_TRUE(format.value()->plain());
  EXPECT_EQ(format.value()->grammar(), "");
  const auto harmony = ChatFormat::Create(TemplateText("openai-gpt-oss-120b"), "", "");
  ASSERT_TRUE(harmony.ok());
  EXPECT_FALSE(harmony.value()->For({}).value()->plain());
}

TEST(ChatFormat, RefusesWhatItCannotKeep) {
  const auto chat = ChatFormat::Create(TemplateText("Qwen-Qwen3-0.6B"), "", "");
  AnswerFormatOptions options = Looking(ToolChoice::kAuto);
  options.tools[0].parameters = R"({"type":"array"})";
  EXPECT_EQ(chat.value()->For(options).status().code(), Code::kInvalidArgument);
  options.tools[0].parameters = "{";
  EXPECT_EQ(chat.value()->For(options).status().code(), Code::kInvalidArgument);
  options.tools[0].parameters = R"({"type":"object","properties":{"a":{"contains":{}}}})";
  EXPECT_NE(chat.value()->For(options).status().message().find("look"), std::string::npos);
}

// A text as deep as that is no call's, and the parser goes as deep as the text.
TEST(ChatFormat, ReadsNothingOfDeepBrackets) {
  const auto chat = ChatFormat::Create(TemplateText("Qwen-Qwen3-0.6B"), "", "");
  const auto format = chat.value()->For(Looking(ToolChoice::kAuto));
  const std::string begin = "<tool_call>\n{\"name\": \"look\", \"arguments\": ";
  EXPECT_FALSE(format.value()->Parse(begin + std::string(1000, '[')).fits);
}

// Bounded in llama.cpp by a patch: these end, as an error or as a format.
TEST(ChatFormat, EndsForTemplatesThatDoNot) {
  const std::string loop =
      "{% macro again() %}{{ again() }}{% endmacro %}{% for m in messages %}{{ again() }}{% endfor %}";
  const auto chat = ChatFormat::Create(loop, "", "");
  EXPECT_TRUE(!chat.ok() || !chat.value()->For(Looking(ToolChoice::kAuto)).ok());
  EXPECT_FALSE(ChatFormat::Create("{% for", "", "").ok());
}

}  // namespace
}  // namespace medinfer::testing
