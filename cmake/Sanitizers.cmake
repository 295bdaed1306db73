# Sanitizers go into our own targets: included after llama.cpp's are described. Its objects are those of every other
# build, so that a run costs minutes and not the better part of an hour. Memory of ours that it misuses is still found
# where it passes through malloc, free or the C library, and by what our own code reads afterwards.
if(MEDINFER_SANITIZE)
  add_compile_options(-fsanitize=${MEDINFER_SANITIZE} -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${MEDINFER_SANITIZE})
endif()
