// Which of the projector files beside a model is the model's own.
#pragma once

#include <string>
#include <vector>

namespace medinfer {

class Model;

struct ProjectorChoice {
  std::string path;     // empty: none
  std::string warning;  // why none was taken of those that are there; empty: one was, or there are none
};

// A projector fits where the model's architecture is one that its kind was made for, its output is as wide as the
// model's input, it finds M-RoPE where it needs it, and the names in the metadata or of the files agree. `only_model`:
// no other model lies in the folder, so that one without a name can be this model's. Where none fits, or several fit
// equally well, none is taken: a wrong one answers about a picture through weights of another model.
//
// Reads the files' metadata alone. `model` may be an outline of the file at `model_path`.
ProjectorChoice ChooseProjector(const Model& model, const std::string& model_path,
                                const std::vector<std::string>& candidates, bool only_model);

}  // namespace medinfer
