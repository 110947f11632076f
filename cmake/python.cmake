# The Python of the system first: the test servers' modules are packages of the distribution, which
# another Python in PATH does not see.
find_program(MAILDIRD_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(MAILDIRD_PYTHON NAMES python3 REQUIRED)

find_program(MAILDIRD_VALGRIND NAMES valgrind)
if(MAILDIRD_VALGRIND AND NOT MAILDIRD_SANITIZE)
  # Stands for the program in tests: what valgrind finds becomes exit code 99, and is told in a file.
  set(MAILDIRD_UNDER_VALGRIND ${PROJECT_BINARY_DIR}/valgrind/maildird)
endif()

function(maildird_add_python_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;CONFIGURATIONS" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} CONFIGURATIONS ${ARG_CONFIGURATIONS}
           COMMAND ${MAILDIRD_PYTHON} -B ${ARG_COMMAND}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
                       LABELS "${ARG_LABELS}" ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()

# A test in Python. Exit code 77 means skipped. VALGRIND: there is a second one, NAME_valgrind, which
# runs only when asked for (ctest -C valgrind -L valgrind), with the program under valgrind.
function(maildird_python_test name)
  cmake_parse_arguments(ARG "VALGRIND" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  maildird_add_python_test(${name} COMMAND ${ARG_COMMAND} TIMEOUT ${ARG_TIMEOUT}
                           LABELS ${ARG_LABELS} ENVIRONMENT ${ARG_ENVIRONMENT})
  if(ARG_VALGRIND AND MAILDIRD_UNDER_VALGRIND)
    list(FILTER ARG_ENVIRONMENT EXCLUDE REGEX "^MAILDIRD_(BINARY|RELEASE)=")
    maildird_add_python_test(${name}_valgrind CONFIGURATIONS valgrind COMMAND ${ARG_COMMAND}
                             TIMEOUT 3600 LABELS valgrind ENVIRONMENT ${ARG_ENVIRONMENT}
                             MAILDIRD_BINARY=${MAILDIRD_UNDER_VALGRIND}
                             MAILDIRD_RELEASE=${MAILDIRD_UNDER_VALGRIND})
  endif()
endfunction()
