// ChatFormat and AnswerFormat as JavaScript objects: NativeChatFormat in lib/native/types.ts.
#pragma once

#include "error_class.h"
#include "napi_setup.h"

namespace medinfer {

// Arguments: the template's source, its BOS token and its EOS token. `errors` is kept by the addon's data. JS thread.
Napi::Value MakeChatFormat(const Napi::CallbackInfo& info, const ErrorClass* errors);

}  // namespace medinfer
