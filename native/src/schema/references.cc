#include "schema/references.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string>
#include <string_view>

namespace medinfer {
namespace {

using Json = nlohmann::ordered_json;

// Values there are no schemas.
bool HoldsData(std::string_view keyword) {
  static constexpr std::array<std::string_view, 5> kKeywords = {"enum", "const", "default", "examples", "example"};
  return std::find(kKeywords.begin(), kKeywords.end(), keyword) != kKeywords.end();
}

std::string Unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_hex = [&](std::size_t at) {
      return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
    };
    if (text[i] == '%' && is_hex(i + 1) && is_hex(i + 2)) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// A URI reference without its fragment, seen from `base`: RFC 3986, without "." and ".." in paths.
std::string Absolute(const std::string& base, std::string_view reference) {
  if (reference.empty()) return base;
  const std::size_t colon = reference.find(':');
  if (colon != std::string_view::npos && reference.find('/') > colon) return std::string(reference);
  const std::size_t authority = base.find("://");
  const std::size_t path = authority == std::string::npos ? 0 : std::min(base.find('/', authority + 3), base.size());
  if (reference.starts_with("//")) return base.substr(0, base.find(':') + 1) + std::string(reference);
  if (reference.starts_with('/')) return base.substr(0, path) + std::string(reference);
  if (authority == std::string::npos && base.find(':') != std::string::npos) return std::string(reference);  // urn:…
  const std::size_t last = base.rfind('/');
  if (last == std::string::npos || last < path) {
    return path == 0 ? std::string(reference) : base.substr(0, path) + "/" + std::string(reference);
  }
  return base.substr(0, last + 1) + std::string(reference);
}

class Resolver {
 public:
  explicit Resolver(Json& root) : root_(root) {}

  void Run() {
    documents_[""] = "";
    Collect(root_, "", "");
    Rewrite(root_, "");
  }

 private:
  static const std::string* TextAt(const Json& node, const char* key) {
    const auto found = node.find(key);
    return found != node.end() && found->is_string() ? &found->get_ref<const std::string&>() : nullptr;
  }

  // The URI of the document that begins here, or that goes on.
  static std::string BaseAt(const Json& node, const std::string& base) {
    const std::string* id = TextAt(node, "$id");
    if (id == nullptr) id = TextAt(node, "id");
    if (id == nullptr || id->starts_with('#')) return base;
    return Absolute(base, std::string_view(*id).substr(0, id->find('#')));
  }

  // `named`: it has names of the user's own for keys, as properties has.
  void Collect(const Json& node, const std::string& pointer, const std::string& outer, bool named = false) {
    if (node.is_array()) {
      for (std::size_t i = 0; i < node.size(); ++i) Collect(node[i], pointer + "/" + std::to_string(i), outer);
    }
    if (!node.is_object()) return;
    const std::string base = named ? outer : BaseAt(node, outer);
    if (!named) {
      if (base != outer) documents_.try_emplace(base, pointer);
      for (const char* key : {"$anchor", "$dynamicAnchor"}) {
        if (const std::string* anchor = TextAt(node, key)) anchors_.try_emplace(base + "#" + *anchor, pointer);
      }
      for (const char* key : {"$id", "id"}) {  // an anchor, in drafts 4 to 7
        const std::string* id = TextAt(node, key);
        if (id != nullptr && id->starts_with('#')) anchors_.try_emplace(base + *id, pointer);
      }
    }
    for (const auto& [key, value] : node.items()) {
      if (!named && HoldsData(key)) continue;
      Collect(value, PointerTo(pointer, key), base, !named && HoldsNames(key));
    }
  }

  void Rewrite(Json& node, const std::string& outer, bool named = false) {
    if (node.is_array()) {
      for (Json& item : node) Rewrite(item, outer);
    }
    if (!node.is_object()) return;
    const std::string base = named ? outer : BaseAt(node, outer);
    for (auto& [key, value] : node.items()) {
      if (!named && HoldsData(key)) continue;
      if (!named && (key == "$ref" || key == "$dynamicRef") && value.is_string()) {
        const std::string pointer = PointerOf(value.get_ref<const std::string&>(), base);
        if (!pointer.empty()) value = pointer;
      } else {
        Rewrite(value, base, !named && HoldsNames(key));
      }
    }
  }

  static bool HoldsNames(std::string_view keyword) {
    return keyword == "properties" || keyword == "patternProperties" || keyword == "$defs" ||
           keyword == "definitions" || keyword == "dependentSchemas";
  }

  // Empty: it leads nowhere here.
  std::string PointerOf(const std::string& reference, const std::string& base) const {
    const std::size_t hash = std::min(reference.find('#'), reference.size());
    const std::string document = Absolute(base, std::string_view(reference).substr(0, hash));
    const std::string fragment = Unescaped(std::string_view(reference).substr(std::min(hash + 1, reference.size())));
    const auto found = documents_.find(document);
    if (found == documents_.end()) return {};
    if (fragment.empty()) return "#" + found->second;
    if (fragment.starts_with('/')) {
      // From the document's beginning, or from the whole schema's where that is what is meant.
      for (const std::string& pointer : {found->second + fragment, fragment}) {
        if (Exists(pointer)) return "#" + pointer;
      }
      return {};
    }
    const auto anchor = anchors_.find(document + "#" + fragment);
    return anchor == anchors_.end() ? std::string() : "#" + anchor->second;
  }

  bool Exists(const std::string& pointer) const {
    try {
      return root_.contains(Json::json_pointer(pointer));
    } catch (const Json::exception&) {
      return false;
    }
  }

  Json& root_;
  std::map<std::string, std::string> documents_;  // URI -> pointer to where it begins
  std::map<std::string, std::string> anchors_;    // URI#name -> pointer
};

}  // namespace

std::string PointerTo(const std::string& pointer, const std::string& key) {
  std::string child = pointer + "/";
  for (const char c : key) child += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return child;
}

void ResolveReferences(Json& root) { Resolver(root).Run(); }

}  // namespace medinfer
