// Which model, as far as keys and values hang on it.
#pragma once

#include "medinfer/load_options.h"
#include "model/model.h"
#include "session/session_file.h"

namespace medinfer {

// SHA-256 over the metadata, the vocabulary and samples of the weights, of the projector's file and the KV type, and
// whether prediction heads have cells, too. Reads a few megabytes of the files that `options` name.
ModelIdentity IdentifyModel(const Model& model, const LoadOptions& options, bool heads);

}  // namespace medinfer
