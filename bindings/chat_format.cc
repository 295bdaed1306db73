#include "chat_format.h"

#include <memory>
#include <string>
#include <utility>

#include "convert.h"
#include "errors.h"
#include "medinfer/answer_format.h"

namespace medinfer {
namespace {

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

Napi::Object FormatToJs(Napi::Env env, std::shared_ptr<const AnswerFormat> format, const ErrorClass* errors) {
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

Napi::Value MakeChatFormat(Napi::Env env, const std::string& source, const std::string& bos_token,
                           const std::string& eos_token, const ErrorClass* errors) {
  auto made = ChatFormat::Create(source, bos_token, eos_token);
  if (!made.ok()) Throw(env, made.status());
  const bool calls = made.value()->calls();
  const auto answer = [format = std::move(made.value()), errors](const Napi::CallbackInfo& call) -> Napi::Value {
    return Guarded(call.Env(), errors, [&]() -> Napi::Value {
      auto answers = format->For(ToAnswerFormatOptions(call[0]));
      if (!answers.ok()) Throw(call.Env(), answers.status());
      return FormatToJs(call.Env(), std::move(answers.value()), errors);
    });
  };
  Napi::Object object = Napi::Object::New(env);
  object.Set("calls", Napi::Boolean::New(env, calls));
  object.Set("answerFormat", Napi::Function::New(env, answer, "answerFormat"));
  return object;
}

}  // namespace medinfer
