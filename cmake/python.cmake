# The Python of the system first: the test servers' modules are packages of the distribution, which
# another Python in PATH does not see.
find_program(MAILDIRD_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(MAILDIRD_PYTHON NAMES python3 REQUIRED)

# A test in Python. Exit code 77 means skipped.
function(maildird_python_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} COMMAND ${MAILDIRD_PYTHON} -B ${ARG_COMMAND}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
                       LABELS "${ARG_LABELS}" ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()
