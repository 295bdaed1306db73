// JPEG (ITU T.81): a list of segments, and entropy-coded data after each start of scan.
//
// stb_image treats a marker inside entropy-coded data as an endless run of zeros, and stops without an error at a
// segment it does not like: both give a picture that is grey from there on. So the segments are walked first, and
// within the data the restart markers are counted.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "images/image_formats.h"

namespace medinfer {
namespace {

enum Marker : std::uint8_t {
  kSof0 = 0xC0,  // baseline
  kSof1 = 0xC1,  // extended sequential
  kSof2 = 0xC2,  // progressive
  kDht = 0xC4,
  kJpg = 0xC8,
  kDac = 0xCC,
  kRst0 = 0xD0,
  kRst7 = 0xD7,
  kSoi = 0xD8,
  kEoi = 0xD9,
  kSos = 0xDA,
  kDqt = 0xDB,
  kDnl = 0xDC,
  kDri = 0xDD,
  kApp0 = 0xE0,
  kApp1 = 0xE1,
  kApp15 = 0xEF,
  kCom = 0xFE,
};

// More scans than any encoder writes; each costs a pass over the whole picture, so a small file could cost hours.
constexpr std::size_t kMaxScans = 256;
constexpr std::size_t kMaxComponents = 4;

bool IsFrameHeader(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != kDht && marker != kJpg && marker != kDac;
}

struct Component {
  std::uint8_t id = 0;
  std::uint32_t h = 1;  // sampling factors
  std::uint32_t v = 1;
  bool begun = false;  // a scan gave its first (DC) coefficients
};

struct Frame {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::size_t n_components = 0;
  std::array<Component, kMaxComponents> components;
};

struct Segment {
  std::uint8_t marker = 0;
  Bytes payload;         // without marker and length
  std::size_t next = 0;  // first byte behind the segment
};

Status Truncated() {
  return BadImage("the JPEG ends before its end-of-image marker: it is truncated; send the whole file");
}

Status Damaged(const char* what) {
  return BadImage(std::string("the JPEG is damaged (") + what + "): send it again from an intact copy");
}

std::uint32_t CeilDiv(std::uint32_t a, std::uint32_t b) { return (a + b - 1) / b; }

// The segment whose marker begins at or behind `at`. `skip_junk`: pad bytes may stand before it, as some encoders
// write them between the segments of the header.
Result<Segment> NextSegment(Bytes file, std::size_t at, bool skip_junk) {
  while (skip_junk && Has(file, at, 1) && file[at] != 0xFF) {
    ++at;
  }
  if (!Has(file, at, 2)) {
    return Truncated();
  }
  if (file[at] != 0xFF) {
    return Damaged("no marker where one must be");
  }
  while (Has(file, at, 1) && file[at] == 0xFF) {
    ++at;  // fill bytes
  }
  if (!Has(file, at, 1)) {
    return Truncated();
  }
  Segment segment;
  segment.marker = file[at];
  ++at;
  if (segment.marker == kEoi) {
    segment.next = at;
    return segment;
  }
  if (segment.marker < 0xC0 || (segment.marker >= kRst0 && segment.marker <= kSoi)) {
    return Damaged("unexpected marker");
  }
  if (!Has(file, at, 2)) {
    return Truncated();
  }
  const std::size_t length = ReadBe16(file, at);
  if (length < 2) {
    return Damaged("segment without a length");
  }
  if (!Has(file, at, length)) {
    return Truncated();
  }
  segment.payload = file.subspan(at + 2, length - 2);
  segment.next = at + length;
  return segment;
}

Result<Frame> ReadFrame(const Segment& segment) {
  if (segment.marker != kSof0 && segment.marker != kSof1 && segment.marker != kSof2) {
    return BadImage(
        "the JPEG is lossless, hierarchical or arithmetic-coded, which is not supported: save it as a baseline or "
        "progressive JPEG");
  }
  const Bytes payload = segment.payload;
  if (!Has(payload, 0, 6)) {
    return Damaged("short frame header");
  }
  if (payload[0] != 8) {
    return BadImage("the JPEG has " + std::to_string(payload[0]) +
                    " bits per sample; only 8 are supported: save it with 8");
  }
  Frame frame;
  frame.height = ReadBe16(payload, 1);
  frame.width = ReadBe16(payload, 3);
  frame.n_components = payload[5];
  if (frame.width == 0 || frame.height == 0) {
    return Damaged("no width or height in its header");
  }
  if (frame.n_components != 1 && frame.n_components != 3 && frame.n_components != 4) {
    return Damaged("number of colour components");
  }
  if (payload.size() != 6 + 3 * frame.n_components) {
    return Damaged("length of the frame header");
  }
  for (std::size_t i = 0; i < frame.n_components; ++i) {
    Component& component = frame.components[i];
    component.id = payload[6 + 3 * i];
    component.h = payload[7 + 3 * i] >> 4U;
    component.v = payload[7 + 3 * i] & 15U;
    if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4) {
      return Damaged("sampling factors");
    }
  }
  return frame;
}

// Minimum coded units of a scan over the components named in `scan`, or nothing where it names unknown ones. Marks
// the components whose first coefficients the scan brings.
std::optional<std::uint64_t> ReadScan(Bytes scan, Frame& frame) {
  if (scan.empty() || scan[0] < 1 || scan[0] > frame.n_components || scan.size() != 4 + std::size_t{2} * scan[0]) {
    return std::nullopt;
  }
  const std::size_t n = scan[0];
  const bool first_coefficients = scan[1 + 2 * n] == 0 && (scan[3 + 2 * n] >> 4U) == 0;
  std::uint32_t h_max = 1;
  std::uint32_t v_max = 1;
  for (std::size_t i = 0; i < frame.n_components; ++i) {
    h_max = std::max(h_max, frame.components[i].h);
    v_max = std::max(v_max, frame.components[i].v);
  }
  const Component* last = nullptr;
  for (std::size_t i = 0; i < n; ++i) {
    const auto begin = frame.components.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(frame.n_components);
    const auto found = std::find_if(begin, end, [&](const Component& c) { return c.id == scan[1 + 2 * i]; });
    if (found == end) {
      return std::nullopt;
    }
    found->begun = found->begun || first_coefficients;
    last = &*found;
  }
  if (n == 1) {
    return std::uint64_t{CeilDiv(CeilDiv(frame.width * last->h, h_max), 8)} *
           CeilDiv(CeilDiv(frame.height * last->v, v_max), 8);
  }
  return std::uint64_t{CeilDiv(frame.width, 8 * h_max)} * CeilDiv(frame.height, 8 * v_max);
}

// Walks entropy-coded data from `at` to the marker that ends it.
Result<std::size_t> SkipScanData(Bytes file, std::size_t at, std::uint64_t n_units, std::uint32_t restart_interval) {
  std::uint64_t restarts = 0;
  for (;;) {
    const void* found = at < file.size() ? std::memchr(file.data() + at, 0xFF, file.size() - at) : nullptr;
    if (found == nullptr) {
      return Truncated();
    }
    at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - file.data());
    std::size_t code_at = at + 1;
    while (Has(file, code_at, 1) && file[code_at] == 0xFF) {
      ++code_at;
    }
    if (!Has(file, code_at, 1)) {
      return Truncated();
    }
    const std::uint8_t code = file[code_at];
    if (code == 0) {
      at = code_at + 1;
      continue;
    }
    if (code < kRst0 || code > kRst7) {
      break;
    }
    if (restart_interval == 0 || code - kRst0 != static_cast<int>(restarts % 8)) {
      return Damaged("restart markers out of order");
    }
    ++restarts;
    at = code_at + 1;
  }
  if (restart_interval > 0) {
    const std::uint64_t expected = (n_units + restart_interval - 1) / restart_interval - 1;
    // Some encoders close the last interval, too.
    if (restarts != expected && restarts != expected + 1) {
      return Damaged("picture data missing");
    }
  }
  return at;
}

bool AllowedBetweenScans(std::uint8_t marker) {
  return marker == kDht || marker == kDqt || marker == kDri || marker == kSos || marker == kDnl || marker == kCom ||
         marker == kEoi || (marker >= kApp0 && marker <= kApp15);
}

}  // namespace

bool IsJpeg(Bytes file) { return Has(file, 0, 3) && file[0] == 0xFF && file[1] == kSoi && file[2] == 0xFF; }

Result<ImageInfo> ReadJpegInfo(Bytes file) {
  ImageInfo info;
  info.format = ImageFormat::kJpeg;
  bool exif_seen = false;
  for (std::size_t at = 2;;) {
    Result<Segment> next = NextSegment(file, at, /*skip_junk=*/true);
    if (!next.ok()) {
      return next.status();
    }
    const Segment& segment = next.value();
    at = segment.next;
    if (segment.marker == kApp1 && !exif_seen && HasText(segment.payload, 0, std::string_view("Exif\0\0", 6))) {
      exif_seen = true;
      info.orientation = ReadExifOrientation(segment.payload.subspan(6));
    } else if (segment.marker == kSos || segment.marker == kEoi) {
      return Damaged("no frame header before the picture data");
    } else if (IsFrameHeader(segment.marker)) {
      Result<Frame> frame = ReadFrame(segment);
      if (!frame.ok()) {
        return frame.status();
      }
      info.width = frame.value().width;
      info.height = frame.value().height;
      if (info.orientation > 4) {
        std::swap(info.width, info.height);
      }
      return info;
    }
  }
}

Status CheckJpeg(Bytes file) {
  std::optional<Frame> frame;
  std::uint32_t restart_interval = 0;
  std::size_t n_scans = 0;
  for (std::size_t at = 2;;) {
    Result<Segment> next = NextSegment(file, at, /*skip_junk=*/!frame.has_value());
    if (!next.ok()) {
      return next.status();
    }
    const Segment& segment = next.value();
    at = segment.next;
    if (IsFrameHeader(segment.marker)) {
      if (frame.has_value()) {
        return Damaged("second frame header");
      }
      Result<Frame> header = ReadFrame(segment);
      if (!header.ok()) {
        return header.status();
      }
      frame = header.value();
    } else if (n_scans > 0 && !AllowedBetweenScans(segment.marker)) {
      return Damaged("unexpected marker in the picture data");
    } else if (segment.marker == kDri) {
      if (segment.payload.size() != 2) {
        return Damaged("restart interval");
      }
      restart_interval = ReadBe16(segment.payload, 0);
    } else if (segment.marker == kSos) {
      const std::optional<std::uint64_t> n_units = frame.has_value() ? ReadScan(segment.payload, *frame) : std::nullopt;
      if (!n_units.has_value()) {
        return Damaged("scan header");
      }
      if (++n_scans > kMaxScans) {
        return BadImage("the JPEG has more than " + std::to_string(kMaxScans) +
                        " scans, which no encoder writes: save it again as a plain JPEG");
      }
      Result<std::size_t> end = SkipScanData(file, at, *n_units, restart_interval);
      if (!end.ok()) {
        return end.status();
      }
      at = end.value();
    } else if (segment.marker == kEoi) {
      break;
    }
  }
  if (!frame.has_value()) {
    return Damaged("no frame header");
  }
  for (std::size_t i = 0; i < frame->n_components; ++i) {
    if (!frame->components[i].begun) {
      return Damaged("no data for one of its colour components");
    }
  }
  return Status();
}

}  // namespace medinfer
