#include "schema/formats.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace medinfer {
namespace {

using Patterns = std::map<std::string, std::string, std::less<>>;

std::string Group(const std::string& pattern) { return "(?:" + pattern + ")"; }

// `bounded`: of texts that do not go on without end, so that a longer maxLength needs no counting.
Patterns MakePatterns(bool bounded) {
  // Of the Gregorian calendar; months of 31, 30 and 28 days, and the 29th of February.
  const std::string date =
      Group("[0-9]{4}-" +
            Group("(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
                  "02-(?:0[1-9]|1[0-9]|2[0-8])") +
            "|" + Group("[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00") + "-02-29");
  // RFC 3339. A leap second is left out.
  const std::string clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?";
  const std::string time = clock + "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
  // ISO 8601, appendix A of RFC 3339.
  const std::string duration =
      "P(?!$)(?:(?:[0-9]{1,4}Y)?(?:[0-9]{1,4}M)?(?:[0-9]{1,4}D)?"
      "(?:T(?=[0-9])(?:[0-9]{1,4}H)?(?:[0-9]{1,4}M)?(?:[0-9]{1,4}S)?)?|[0-9]{1,4}W)";
  const std::string uuid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
  const std::string domain = bounded ? "(?:[A-Za-z0-9]{1,20}(?:-[A-Za-z0-9]{1,20})?\\.){1,3}[A-Za-z]{2,10}"
                                     : "(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\\.)+[A-Za-z]{2,}";
  const std::string local =
      bounded ? "[A-Za-z0-9_+-]{1,20}(?:\\.[A-Za-z0-9_+-]{1,20}){0,2}" : "[A-Za-z0-9_+-]+(?:\\.[A-Za-z0-9_+-]+)*";
  const std::string email = local + "@" + domain;
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?";
  const std::string hostname =
      bounded ? "[A-Za-z0-9]{1,16}(?:\\.[A-Za-z0-9]{1,16}){0,2}" : label + "(?:\\." + label + "){0,6}";
  const std::string byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  const std::string ipv4 = "(?:" + byte + "\\.){3}" + byte;
  const std::string hex = "[0-9a-fA-F]{1,4}";
  std::string ipv6 = "(?:" + hex + ":){7}" + hex + "|(?:" + hex + ":){1,7}:|:(?::" + hex + "){1,7}|::";
  for (int before = 1; before <= 6; ++before) {
    ipv6.append("|(?:").append(hex).append(":){1,").append(std::to_string(before)).append("}(?::");
    ipv6.append(hex).append("){1,").append(std::to_string(7 - before)).append("}");
  }
  const std::string path = "/[A-Za-z0-9._~!$&'()*+,;=:@/?-]" + std::string(bounded ? "{0,1000}" : "*");
  const std::string url = "https?://" + domain + "(?::[1-9][0-9]{1,3})?(?:" + path + ")?";
  const std::string uri = url + "|urn:[a-z0-9]{2,20}:[A-Za-z0-9._:-]" + std::string(bounded ? "{1,200}" : "+");
  const std::string base64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";

  Patterns patterns = {
      {"date", date},
      {"time", time},
      {"iso-time", time},
      {"date-time", date + "T" + time},
      {"iso-date-time", date + "T" + time},
      {"duration", duration},
      {"uuid", uuid},
      {"email", email},
      {"idn-email", email},
      {"hostname", hostname},
      {"idn-hostname", hostname},
      {"ipv4", ipv4},
      {"ipv6", ipv6},
      {"url", url},
      {"uri", uri},
      {"iri", uri},
      {"uri-reference", uri + "|" + path},
      {"iri-reference", uri + "|" + path},
      {"json-pointer", "(?:/(?:[^~/]|~0|~1)*)*"},
      {"base64", base64},
      {"jwt", "[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*"},
      {"byte", base64},
  };
  for (auto& [name, pattern] : patterns) pattern = "^" + Group(pattern) + "$";
  // Names of what a text is for, which say nothing of its characters.
  for (const char* name : {"password", "binary", "path", "file-path", "directory-path"}) patterns[name] = "";
  return patterns;
}

const Patterns& AllPatterns(bool bounded = false) {
  static const std::array<Patterns, 2> patterns = {MakePatterns(false), MakePatterns(true)};
  return patterns[bounded ? 1 : 0];
}

}  // namespace

std::optional<std::string> FormatPattern(std::string_view format, bool bounded) {
  const Patterns& patterns = AllPatterns(bounded);
  const auto found = patterns.find(format);
  return found == patterns.end() ? std::nullopt : std::optional(found->second);
}

std::string FormatNames() {
  std::string names;
  for (const auto& [name, pattern] : AllPatterns()) {
    if (pattern.empty()) continue;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return names;
}

}  // namespace medinfer
