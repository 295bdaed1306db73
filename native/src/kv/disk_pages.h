// Pages that host memory has no room for any more, on a disk. A thread of its own writes them: who keeps a page does
// not wait. What is read is compared with its checksum, so that a page that the disk has damaged is computed again and
// never believed.
//
// Belongs to the engine thread. Knows no llama.h.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "kv/eviction_queue.h"
#include "kv/page_copy.h"
#include "kv/spill_file.h"
#include "medinfer/mutex.h"

namespace medinfer {

class DiskPages {
 public:
  // Most bytes that wait to be written: beyond them a page is lost rather than memory filled.
  static constexpr std::uint64_t kMostWaiting = 256U << 20U;

  // `budget`: most bytes of the file. Throws std::system_error where the system gives no thread.
  DiskPages(std::unique_ptr<SpillFile> file, std::uint64_t budget);
  // What waits to be written is dropped.
  ~DiskPages();
  DiskPages(const DiskPages&) = delete;
  DiskPages& operator=(const DiskPages&) = delete;

  // In place of what was there. All pages are as large as the first; one of another size goes without.
  void Keep(PageCopy page);
  // Whether it is there: then it counts as used now.
  bool Touch(const PagePath& path);
  // Null: it is not there, or damaged. Otherwise it counts as used now; until the next call.
  const PageCopy* Find(const PagePath& path);
  // It will be asked for soon.
  void ReadAhead(const PagePath& path) const;
  // Forgets all that these salts have.
  void Forget(const std::function<bool(std::string_view salt)>& drops);
  // Returns when nothing waits to be written.
  void Flush();

  // Those that wait to be written count, those that could not be do not.
  std::size_t pages() const { return entries_.size() - std::min<std::size_t>(failures_, entries_.size()); }
  std::uint64_t bytes() const { return pages() * page_bytes_; }
  // Pages that could not be written, or were read as something else.
  std::uint64_t lost() const { return lost_ + failures_; }

 private:
  // One page on its way to the disk, and what became of it: under mutex_.
  struct Writing {
    PagePath path{};
    std::uint32_t block = 0;
    std::shared_ptr<const PageCopy::Bytes> bytes;  // null: over
    bool dropped = false;                          // nobody wants it any more
    PagePath digest{};
  };
  struct Entry {
    PageCopy page;  // without its bytes
    std::shared_ptr<Writing> writing;
    EvictionQueue::Place place;
  };
  using Entries = std::unordered_map<PagePath, Entry, PagePathHash>;

  void Run();
  void DropFailures();
  void Drop(Entries::iterator entry);
  void Release(Entries::iterator entry);

  const std::unique_ptr<SpillFile> file_;
  const std::uint64_t budget_;
  std::uint64_t page_bytes_ = 0;  // 0: none was kept yet
  Entries entries_;
  EvictionQueue order_;
  std::vector<std::uint32_t> free_;
  std::uint32_t blocks_ = 0;  // of the file so far
  std::uint64_t lost_ = 0;
  PageCopy found_;

  Mutex mutex_;
  ConditionVariable more_;  // to write, or an end
  ConditionVariable idle_;
  // In the order in which they were kept: of two writings of one block the later one stays.
  std::deque<std::shared_ptr<Writing>> waiting_ MEDINFER_GUARDED_BY(mutex_);
  std::uint64_t waiting_bytes_ MEDINFER_GUARDED_BY(mutex_) = 0;               // and of the one that is written
  std::vector<std::shared_ptr<Writing>> failed_ MEDINFER_GUARDED_BY(mutex_);  // whose entries are still there
  bool stop_ MEDINFER_GUARDED_BY(mutex_) = false;
  std::atomic<std::size_t> failures_ = 0;  // how many are in failed_

  std::thread thread_;  // last: it runs as soon as it is there
};

}  // namespace medinfer
