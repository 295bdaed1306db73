// A session on disk: a kept state and a note of the caller's.
//
// Little endian: magic, version, the model's identity, five lengths, then note, salt, keys, cells, and the SHA-256 of
// all that. Whatever bytes a file has, reading it ends well or with kBadSession, and takes no more memory than it has
// bytes. The checksum finds accidents, not forgers: the writer of a session decides what the model has read.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kv/cell_key.h"
#include "medinfer/status.h"

namespace medinfer {

using ModelIdentity = std::array<std::uint8_t, 32>;

struct SessionData {
  std::string note;
  std::string salt;
  std::vector<CellKey> keys;
  std::uint32_t cells = 0;  // of the first keys, those whose keys and values are here
  std::uint64_t bytes_per_cell = 0;
  std::vector<std::uint8_t> bytes;  // cells * bytes_per_cell: Decoder::ReadCells
};

// Writes beside `path` and renames. `give_up` is asked now and then, here and below; if it says so, the call fails, and
// leaves nothing.
Status WriteSession(const std::string& path, const SessionData& data, const ModelIdentity& identity,
                    const std::function<bool()>& give_up);

// kBadSession also where the model is another one, or its cells have another size.
Result<SessionData> ReadSession(const std::string& path, const ModelIdentity& identity, std::uint64_t bytes_per_cell,
                                const std::function<bool()>& give_up);

}  // namespace medinfer
