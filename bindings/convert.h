// JavaScript values <-> the core's structs. JS thread, inside a HandleScope.
//
// From JavaScript: types are checked strictly, nothing is coerced and no field has a default; a wrong
// one throws (ThrowWrongType) with the field's name. Ranges are the core's business, as far as the
// C++ type can hold the value.
#pragma once

#include <string>
#include <vector>

#include "medinfer/answer_format.h"
#include "medinfer/backends.h"
#include "medinfer/chat_templates.h"
#include "medinfer/engine.h"
#include "medinfer/inspect.h"
#include "napi_setup.h"

namespace medinfer {

LoadOptions ToLoadOptions(Napi::Value value);
// Copies the bytes of JavaScript's own images, which it may change after the call; shares those of readImage().
std::vector<PromptPart> ToPrompt(Napi::Value value, const std::string& field);
Request ToRequest(Napi::Value value);
EmbedRequest ToEmbedRequest(Napi::Value value);
SamplingParams ToSampling(Napi::Value value, const std::string& where);
InspectRequest ToInspectRequest(Napi::Value value);
ImageFile ToImageFile(Napi::Value value, const std::string& field);
RequestId ToRequestId(Napi::Value value);
std::vector<ChatMessage> ToChatMessages(Napi::Value value);
AnswerFormatOptions ToAnswerFormatOptions(Napi::Value value);
std::string ToString(Napi::Value value, const std::string& field);
std::string ToPath(Napi::Value value, const std::string& field);
bool ToBool(Napi::Value value, const std::string& field);
std::vector<std::int32_t> ToTokens(Napi::Value value, const std::string& field);
std::vector<float> ToFloats(Napi::Value value, const std::string& field);
Napi::Function ToFunction(Napi::Value value, const std::string& field);

Napi::Object ToJs(Napi::Env env, const ModelInfo& info);
Napi::Object ToJs(Napi::Env env, const Stats& stats);
Napi::Object ToJs(Napi::Env env, const Inspection& inspection);
Napi::Array ToJs(Napi::Env env, const std::vector<DeviceInfo>& devices);
Napi::Array ToJs(Napi::Env env, const std::vector<std::string>& strings);
Napi::Int32Array ToJs(Napi::Env env, const std::vector<std::int32_t>& tokens);

// An array of events; null where the environment cannot run JavaScript any more. Never throws:
// this is the path that runs for every token, also while an environment is being torn down.
napi_value EventsToJs(napi_env env, const std::vector<Event>& events);

}  // namespace medinfer
