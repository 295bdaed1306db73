#include "scheduling/kv_world.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <numeric>

namespace medinfer::testing {

Tokens Counting(std::int32_t first, std::uint32_t n) {
  Tokens tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

Tokens Joined(Tokens tokens, const Tokens& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

std::vector<CellValue> ValuesOf(const std::vector<CellKey>& keys, const std::string& salt) {
  std::vector<CellValue> values;
  CellValue last = FirstValue(salt);
  for (const CellKey key : keys) values.push_back(last = NextValue(last, key));
  return values;
}

std::vector<CellValue> Unpacked(const std::vector<std::uint8_t>& bytes) {
  std::vector<CellValue> values(bytes.size() / sizeof(CellValue));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(CellValue));
  return values;
}

std::vector<std::uint8_t> Packed(const std::vector<CellValue>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(CellValue));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

ScheduledSequence KvWorld::Sequence(RequestId id, PreparedPrompt prompt, const std::string& salt, StateId base) {
  ScheduledSequence sequence;
  sequence.id = id;
  sequence.salt = salt;
  sequence.base = base;
  sequence.cursor = PromptCursor(std::move(prompt));
  sequence.keys = sequence.cursor.CellKeys(unique_media);
  return sequence;
}

ScheduledSequence KvWorld::Sequence(RequestId id, const Tokens& tokens, const std::string& salt, StateId base) {
  PreparedPrompt prompt;
  prompt.chunks.emplace_back(tokens);
  prompt.n_tokens = static_cast<std::uint32_t>(tokens.size());
  return Sequence(id, std::move(prompt), salt, base);
}

bool KvWorld::Admit(ScheduledSequence& sequence, std::uint32_t headroom) {
  PageTable found = cache.Find(sequence);
  return cache.Admit(sequence, found, headroom);
}

std::unique_ptr<DiskPages> KvWorld::DiskOf(std::uint64_t pages) {
  if (pages == 0) return nullptr;
  auto file = SpillFile::Create(std::filesystem::temp_directory_path().string());
  EXPECT_TRUE(file.ok());
  return std::make_unique<DiskPages>(std::move(file.value()), pages * kPage * sizeof(CellValue));
}

void KvWorld::Compute(ScheduledSequence& sequence, std::uint32_t n) {
  const auto next = sequence.cursor.NextText(n);
  const Tokens tokens(next.begin(), next.end());
  for (const std::int32_t token : tokens) {
    store.Read(sequence.slot, sequence.salt, static_cast<std::uint64_t>(token), sequence.cursor.next_position());
    sequence.cursor.Advance(1);
  }
}

bool KvWorld::Decode(ScheduledSequence& sequence, std::int32_t token) {
  if (!cache.Grow(sequence)) return false;
  sequence.pending = token;
  sequence.drawn.push_back(token);
  store.Read(sequence.slot, sequence.salt, static_cast<std::uint64_t>(token), sequence.cursor.next_position());
  sequence.AdvanceDecode();
  return true;
}

void KvWorld::MakeState(StateId id, const Tokens& tokens, const std::string& salt, bool commit) {
  ScheduledSequence sequence = Sequence(id, tokens, salt);
  ASSERT_TRUE(Admit(sequence));
  ComputeAll(sequence);
  if (commit) cache.Commit(sequence);
  cache.Keep(sequence);
}

void KvWorld::Preempt(ScheduledSequence& sequence) {
  cache.SwapOut(sequence);
  sequence.Rewind();
}

void KvWorld::ExpectRight(const ScheduledSequence& sequence) const {
  ASSERT_TRUE(store.attached().contains(sequence.slot));
  const FakeStore::Attached& attached = store.attached().at(sequence.slot);
  EXPECT_EQ(attached.cells, sequence.written());
  EXPECT_EQ(attached.position, static_cast<std::int32_t>(sequence.written()) - 1);
  const std::vector<CellValue> values = ValuesOf(sequence.keys, sequence.salt);
  const PageTable& table = pool.table(sequence.slot);
  ASSERT_GE(table.size(), sequence.written());
  for (std::uint32_t i = 0; i < sequence.written(); ++i) {
    ASSERT_EQ(store.At(table, i), values[i]) << "cell " << i << " of request " << sequence.id;
  }
}

void KvWorld::ExpectState(StateId id, const Tokens& tokens, std::uint32_t cells, const std::string& salt) {
  const KvCache::StateCells state = cache.ReadState(id);
  std::vector<CellKey> keys;
  for (const std::int32_t token : tokens) keys.push_back(TokenKey(token));
  EXPECT_EQ(state.keys, keys);
  EXPECT_EQ(state.salt, salt);
  EXPECT_EQ(state.cells, cells);
  std::vector<CellValue> values = ValuesOf(keys, salt);
  values.resize(cells);
  EXPECT_EQ(Unpacked(state.bytes), values);
}

}  // namespace medinfer::testing
