# The warnings every target is built with; -Werror and sanitizers come from the presets, so that a
# packager with a newer compiler is not stopped by them.
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wwrite-strings -Wpointer-arith -Wcast-qual -Wundef -Wvla
  -Wimplicit-fallthrough -Wdouble-promotion -Wno-unused-parameter
  -fno-common -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()
if(MAILDIRD_WERROR)
  add_compile_options(-Werror)
endif()
if(MAILDIRD_SANITIZE)
  add_compile_options(-fsanitize=${MAILDIRD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MAILDIRD_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(MAILDIRD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
