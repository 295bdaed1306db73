#include "chat_format.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "convert.h"
#include "errors.h"
#include "fields.h"
#include "medinfer/answer_format.h"

namespace medinfer {
namespace {

constexpr std::array kChoices = {"none", "auto", "required"};  // in the order of the enumerators

AnswerFormatOptions ToAnswerFormatOptions(const Napi::Value& value) {
  const Fields fields(value, "options");
  AnswerFormatOptions options;
  ForEach(fields.Value("tools"), fields.Name("tools"), [&](const Napi::Value& each, const std::string& where) {
    const Fields tool(each, where);
    options.tools.push_back({ToString(tool.Value("name"), tool.Name("name")),
                             ToString(tool.Value("description"), tool.Name("description")),
                             ToString(tool.Value("parameters"), tool.Name("parameters"))});
  });
  options.choice = fields.Enum<ToolChoice>("choice", kChoices);
  options.parallel = ToBool(fields.Value("parallel"), fields.Name("parallel"));
  options.variables = ToString(fields.Value("variables"), fields.Name("variables"));
  options.answer = ToString(fields.Value("answer"), fields.Name("answer"));
  if (const Napi::Value opening = fields.Value("opening"); !opening.IsNull()) {
    options.opening = ToString(opening, fields.Name("opening"));
  }
  return options;
}

Napi::Object ToJs(Napi::Env env, const ParsedAnswer& answer) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("fits", Napi::Boolean::New(env, answer.fits));
  object.Set("content", Napi::String::New(env, answer.content));
  object.Set("reasoning", Napi::String::New(env, answer.reasoning));
  Napi::Array calls = Napi::Array::New(env, answer.calls.size());
  for (std::size_t i = 0; i < answer.calls.size(); ++i) {
    const ParsedCall& call = answer.calls[i];
    Napi::Object each = Napi::Object::New(env);
    each.Set("name", Napi::String::New(env, call.name));
    each.Set("arguments", Napi::String::New(env, call.arguments));
    each.Set("id", Napi::String::New(env, call.id));
    each.Set("complete", Napi::Boolean::New(env, call.complete));
    calls.Set(static_cast<std::uint32_t>(i), each);
  }
  object.Set("calls", calls);
  return object;
}

Napi::Object ToJs(Napi::Env env, std::shared_ptr<const AnswerFormat> format, const ErrorClass* errors) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("opening", Napi::String::New(env, format->opening()));
  object.Set("grammar", Napi::String::New(env, format->grammar()));
  object.Set("plain", Napi::Boolean::New(env, format->plain()));
  object.Set("reasoningOpen", Napi::String::New(env, format->reasoning_open()));
  object.Set("reasoningClose", Napi::String::New(env, format->reasoning_close()));
  const auto parse = [format = std::move(format), errors](const Napi::CallbackInfo& info) -> Napi::Value {
    return Guarded(info.Env(), errors,
                   [&]() -> Napi::Value { return ToJs(info.Env(), format->Parse(ToString(info[0], "text"))); });
  };
  object.Set("parse", Napi::Function::New(env, parse, "parse"));
  return object;
}

}  // namespace

Napi::Value MakeChatFormat(const Napi::CallbackInfo& info, const ErrorClass* errors) {
  const Napi::Env env = info.Env();
  auto made =
      ChatFormat::Create(ToString(info[0], "source"), ToString(info[1], "bosToken"), ToString(info[2], "eosToken"));
  if (!made.ok()) Throw(env, made.status());
  const bool calls = made.value()->calls();
  const auto answer = [format = std::move(made.value()), errors](const Napi::CallbackInfo& call) -> Napi::Value {
    return Guarded(call.Env(), errors, [&]() -> Napi::Value {
      auto answers = format->For(ToAnswerFormatOptions(call[0]));
      if (!answers.ok()) Throw(call.Env(), answers.status());
      return ToJs(call.Env(), std::move(answers.value()), errors);
    });
  };
  Napi::Object object = Napi::Object::New(env);
  object.Set("calls", Napi::Boolean::New(env, calls));
  object.Set("answerFormat", Napi::Function::New(env, answer, "answerFormat"));
  return object;
}

}  // namespace medinfer
