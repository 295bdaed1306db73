// Facts of a loaded model, constant while its engine lives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "medinfer/load_options.h"

namespace medinfer {

// What a loaded model takes of one device's memory, in bytes.
struct DeviceMemory {
  std::string device;  // e.g. "CUDA0"; "CPU" is the host's
  std::uint64_t weights = 0;
  std::uint64_t kv = 0;
  std::uint64_t compute = 0;    // buffers of the largest forward pass
  std::uint64_t projector = 0;  // weights and buffers

  std::uint64_t total() const { return weights + kv + compute + projector; }
};

// A token that ends the model's turn, or looks as if it did.
struct EndToken {
  std::int32_t token = -1;
  std::string text;
  bool ends = false;  // false: it is ordinary text to the model's makers, and is read and written as such
};

// What reads images.
struct ProjectorInfo {
  std::string kind;  // as libmtmd names it, e.g. "qwen2vl_merger"
  // How the layers of a LLaVA tower's file are read, whose projector takes what goes into the tower's last layer.
  // "named": the file says which layer that is; "dropped": it does not, and lacks that last layer; "whole": it does
  // not, and has it. Empty: another kind.
  std::string layers;
  std::int32_t layers_run = 0;
  std::int32_t layers_stored = 0;
};

// The tokens by which a model is asked for the text between two others.
struct InfillTokens {
  std::int32_t prefix = -1;
  std::int32_t suffix = -1;
  std::int32_t middle = -1;
};

// What the loaded files say about themselves.
struct ModelInfo {
  std::string description;    // e.g. "llama 7B Q4_K - Medium"
  std::string name;           // general.name, may be empty
  std::string chat_template;  // the model's own Jinja template, may be empty
  std::string bos_token;      // text of the BOS token, may be empty
  std::string eos_token;
  std::vector<EndToken> end_tokens;    // by token
  std::optional<InfillTokens> infill;  // where the vocabulary has all of them
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;  // size of the weights
  std::uint32_t n_vocab = 0;
  std::uint32_t n_embd = 0;
  std::uint32_t n_layer = 0;
  std::uint32_t n_ctx_train = 0;
  std::uint32_t n_ctx = 0;              // the KV pool, tokens
  std::uint32_t n_ctx_per_request = 0;  // most tokens of one request
  std::uint32_t batch_size = 0;         // most sequences at once
  std::uint32_t n_ubatch = 0;           // most tokens of one forward pass
  Task task = Task::kGenerate;
  std::string pooling;              // "mean", "cls", "last" or "rank"; empty with Task::kGenerate
  std::uint32_t n_row = 0;          // values of a text's row; 0 with Task::kGenerate
  std::vector<std::string> labels;  // of a reranker's row, where the file names them
  bool vision = false;
  ProjectorInfo projector;        // of a model that reads images
  std::string draft;              // as `description`, of the draft model; empty: there is none
  bool heads = false;             // whether prediction heads of the model guess how answers go on
  std::string projector_warning;  // why none of LoadOptions::mmproj_candidates was taken; mostly empty
  std::int32_t n_gpu_layers = 0;  // on a GPU, the output counted as one
  std::vector<DeviceMemory> memory;
  std::string warning;  // why the model is on the CPU, where CUDA is installed and does not work; mostly empty
};

}  // namespace medinfer
