// One header reader and one integrity check per format. Internal to the codec; image_codec.h is its face.
#pragma once

#include <cstdint>
#include <string>

#include "images/byte_reader.h"
#include "images/image_codec.h"
#include "medinfer/status.h"

namespace medinfer {

// Read*Info: what the header says; dimensions are not zero. REQUIRES: Is*.
// Check*: whether the file is whole, so that what stb_image makes of it is the picture and nothing made up.
// REQUIRES: Read*Info succeeded.

bool IsJpeg(Bytes file);
Result<ImageInfo> ReadJpegInfo(Bytes file);
Status CheckJpeg(Bytes file);

bool IsPng(Bytes file);
Result<ImageInfo> ReadPngInfo(Bytes file);
Status CheckPng(Bytes file);

bool IsGif(Bytes file);
Result<ImageInfo> ReadGifInfo(Bytes file);
Status CheckGif(Bytes file);

bool IsBmp(Bytes file);
Result<ImageInfo> ReadBmpInfo(Bytes file);
Status CheckBmp(Bytes file);

// The orientation in an EXIF block (a TIFF structure), 1 where it has none or is damaged: a broken camera tag is no
// reason to refuse a picture.
std::uint8_t ReadExifOrientation(Bytes tiff);

inline Status BadImage(std::string message) { return Status(Code::kImageDecode, std::move(message)); }

}  // namespace medinfer
