# The core in rooms: a folder of native/src, a static library, and the list of rooms below that it may use.
#
# Rooms include each other as "kv/page_pool.h". That is found in an include root that the room alone has (a folder with
# a link to it), and a target sees the roots of the rooms that it names and of those that they name: an #include of any
# other does not compile. llama.cpp's headers are seen by the rooms that ask for them, and by nobody for their sake.
# "npm run rooms" tries every wrong include and looks for circles.

set_property(GLOBAL PROPERTY medinfer_rooms "")

# medinfer_room(NAME [USES ROOM…] [LLAMA] [VENDOR]): the sources of native/src/NAME. LLAMA: sees llama.cpp's headers,
# internal ones included. VENDOR: sees the small libraries that llama.cpp carries (stb_image, nlohmann, hash).
function(medinfer_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LLAMA;VENDOR" "" "USES")
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/src/${name}")
  set(include_root "${CMAKE_CURRENT_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${include_root}")
  file(CREATE_LINK "${folder}" "${include_root}/${name}" SYMBOLIC)

  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cc")
  set(target medinfer_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(visibility PUBLIC)
    target_link_libraries(${target} PRIVATE medinfer_warnings)
    set_target_properties(${target} PROPERTIES
      CXX_VISIBILITY_PRESET hidden
      VISIBILITY_INLINES_HIDDEN ON)
  else()
    add_library(${target} INTERFACE)
    set(visibility INTERFACE)
  endif()
  target_include_directories(${target} ${visibility} "${include_root}" "${CMAKE_CURRENT_SOURCE_DIR}/include")
  list(TRANSFORM arg_USES PREPEND medinfer_ OUTPUT_VARIABLE used)
  target_link_libraries(${target} ${visibility} ${used})
  if(arg_VENDOR)
    target_link_libraries(${target} PRIVATE vendor-hash)  # its include root is that of the others
  endif()
  if(arg_LLAMA)
    target_include_directories(${target} SYSTEM PRIVATE "${MEDINFER_LLAMA_DIR}/src")
    target_link_libraries(${target} PRIVATE llama mtmd ggml)
  endif()

  set_property(GLOBAL APPEND PROPERTY medinfer_rooms ${name})
  list(JOIN arg_USES "\", \"" uses)
  if(arg_USES)
    set(uses "\"${uses}\"")
  endif()
  set(sees_llama false)
  if(arg_LLAMA)
    set(sees_llama true)
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY medinfer_rooms_json
    "  { \"name\": \"${name}\", \"uses\": [${uses}], \"llama\": ${sees_llama} },\n")
endfunction()

# Writes rooms.json into the build folder, for scripts/rooms.mjs.
function(medinfer_describe_rooms)
  get_property(json GLOBAL PROPERTY medinfer_rooms_json)
  string(REGEX REPLACE ",\n$" "\n" json "${json}")
  file(WRITE "${CMAKE_BINARY_DIR}/rooms.json" "[\n${json}]\n")
endfunction()
