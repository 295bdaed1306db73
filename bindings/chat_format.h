// ChatFormat and AnswerFormat as JavaScript objects: NativeChatFormat in lib/native/types.ts.
#pragma once

#include <string>

#include "error_class.h"
#include "napi_setup.h"

namespace medinfer {

// `errors` is kept by the addon's data. JS thread.
Napi::Value MakeChatFormat(Napi::Env env, const std::string& source, const std::string& bos_token,
                           const std::string& eos_token, const ErrorClass* errors);

}  // namespace medinfer
