# cmake -DFOLDER=board -DOUTPUT=board_page.c -P board_page.cmake: the parts of the page as one, and that as an array of C.
# The scripts are one script, in this order.
set(scripts words place facts frame now experience contracts ticket television stream)

foreach(name ${scripts})
  file(READ ${FOLDER}/${name}.js bytes HEX)
  string(APPEND script "${bytes}")
endforeach()
file(READ ${FOLDER}/style.css style HEX)
file(READ ${FOLDER}/page.html page HEX)
string(HEX "@STYLE@" style_mark)
string(HEX "@SCRIPT@" script_mark)
string(REPLACE "${style_mark}" "${style}" page "${page}")
string(REPLACE "${script_mark}" "${script}" page "${page}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," page "${page}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" page "${page}")
file(WRITE ${OUTPUT} "/* Made from the parts in board/. */\n#include \"shell/board_page.h\"\n\nconst unsigned char board_page[] = {\n${page}\n};\n"
  "const size_t board_page_bytes = sizeof board_page;\n")
