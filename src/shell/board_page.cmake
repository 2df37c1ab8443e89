# cmake -DINPUT=board.html -DOUTPUT=board_page.c -P board_page.cmake: a file as an array of C.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made from board.html. */\n#include \"shell/board_page.h\"\n\nconst unsigned char board_page[] = {\n${bytes}\n};\n"
  "const size_t board_page_bytes = sizeof board_page;\n")
