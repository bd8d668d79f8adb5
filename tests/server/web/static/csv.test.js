// The file of a table, edited in the page: what was not touched stays byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Sheet, condition, copied, letters, pasted, place, rowFor } from "../../../../platform/jackfield/server/web/static/csv.js";

const FILES = {
  "of Excel": '\ufefffirst;message;reply.text\r\n1;Привет;"Да; ""мир"" 😀"\r\nrest;;Нет\r\n',
  "with a line sep=": "sep=;\r\nfirst;message,key;reply.text\r\n1;а;б\r\n",
  "of LibreOffice": '# Ответы, всем\n"first","message","reply.text"\n"1","Привет","Да"\n\n"2",,"две\nстроки"',
  "with tabs and blanks": "first\tmessage\treply.text\n 1 \t a\t b \n",
  "old and mixed": "first,message\r1,a\r\n2,b\n3,c",
  "with stray quotes": 'first,message\n1,5" disk\n2,"a"b\n3,"open',
  "empty": "",
  "one line": "first",
  "blank rows": "\n\n;;\nfirst;a\n;;\n",
};

for (const [name, text] of Object.entries(FILES)) {
  test(`a file ${name} is written as it was read`, () => assert.equal(new Sheet(text).text, text));
}

test("one cell is changed, and nothing else", () => {
  const sheet = new Sheet(FILES["of Excel"]);
  assert.deepEqual([sheet.separator, sheet.head, sheet.cell(1, 2)], [";", 0, 'Да; "мир" 😀']);
  sheet.set([[2, 2, "Что? 😀"]]);
  assert.equal(sheet.text, FILES["of Excel"].replace("Нет", "Что? 😀"));
  sheet.set([[2, 1, 'a;"b"']]);
  assert.ok(sheet.text.endsWith('rest;"a;""b""";Что? 😀\r\n'));
  sheet.undo();
  sheet.undo();
  sheet.undo();
  assert.equal(sheet.text, FILES["of Excel"]);
  sheet.redo();
  assert.equal(sheet.cell(2, 2), "Что? 😀");
});

test("a cell that was quoted is quoted again, one that says the same stays", () => {
  const sheet = new Sheet(FILES["of LibreOffice"]);
  assert.deepEqual([sheet.head, sheet.comments(sheet.rows[0])], [1, true]);
  sheet.set([[2, 2, "Нет"], [2, 1, "Привет"]]);
  assert.equal(sheet.text, FILES["of LibreOffice"].replace('"Да"', '"Нет"'));
});

test("rows are added, moved and removed with the line ends of the file", () => {
  const sheet = new Sheet("first,a,b\r\n1,x,y");
  sheet.insert(2, [["2", "ю"]]);
  assert.equal(sheet.text, "first,a,b\r\n1,x,y\r\n2,ю,");
  sheet.move(2, 1, 1);
  assert.equal(sheet.text, "first,a,b\r\n2,ю,\r\n1,x,y");
  sheet.remove(2);
  assert.equal(sheet.text, "first,a,b\r\n2,ю,");
  sheet.set([[3, 1, "конец"]]);
  assert.equal(sheet.text, "first,a,b\r\n2,ю,\r\n\r\n,конец");
});

test("a column is added behind the heads, and short rows stay short", () => {
  const sheet = new Sheet("# note\nfirst,a,b\n1,x,y\n2\n");
  sheet.addColumn(2, "age? (integer)");
  assert.equal(sheet.text, "# note\nfirst,a,age? (integer),b\n1,x,,y\n2\n");
  sheet.removeColumn(2);
  assert.equal(sheet.text, "# note\nfirst,a,b\n1,x,y\n2\n");
});

test("what a spreadsheet copies is read, and what it pastes is written", () => {
  assert.deepEqual(pasted('a\tb\r\n"две\nстроки"\t"""q"""\r\n'), [["a", "b"], ["две\nстроки", '"q"']]);
  assert.equal(copied([["a", 'две\n"строки"'], ["", "1"]]), 'a\t"две\n""строки"""\n\t1');
});

test("cells are named as a spreadsheet names them", () => {
  assert.deepEqual([letters(0), letters(25), letters(26), letters(99)], ["A", "Z", "AA", "CV"]);
  assert.deepEqual([place("A1"), place("AA10"), place("1")], [[0, 0], [9, 26], null]);
});

test("a message becomes the row that fits it", () => {
  const heads = ["first", "message", "address.city?", "age? (number)", "vip (boolean)", "connection.login", "reply.text", "# note"];
  const message = { message: "Где? 😀", address: { city: "-" }, age: 1.5, vip: true, other: 1 };
  assert.deepEqual(rowFor(heads, message, ";"), ["", "Где? 😀", '"-"', "1,5", "yes", "", "", ""]);
  assert.deepEqual(
    ["< 5", "a, b", 'say "hi"', '"x"', "null", "not(a)", "", ["a", 2]].map((one) => condition(one, ",")),
    ['"< 5"', "a, b", 'say "hi"', '"""x"""', '"null"', '"not(a)"', '""', '"a", 2'],
  );
});

test("another text of the file is taken as a step, unless it is written otherwise", () => {
  const sheet = new Sheet("a,b\n1,2\n");
  assert.equal(sheet.take("a,b\n1,три\n"), true);
  assert.equal(sheet.text, "a,b\n1,три\n");
  sheet.undo();
  assert.equal(sheet.text, "a,b\n1,2\n");
  assert.deepEqual(["a;b\n1;2\n", "\ufeffa,b\n1,2\n", "a,b\n1,2"].map((one) => sheet.take(one)), [false, false, false]);
  assert.equal(sheet.text, "a,b\n1,2\n");
});

test("ten thousand rows are read, changed and written at once", () => {
  const text = "first,message,reply.text\n" + Array.from({ length: 10_000 }, (_, n) => `${n},вопрос ${n},ответ\n`).join("");
  const sheet = new Sheet(text);
  sheet.set(Array.from({ length: 10_000 }, (_, n) => [n + 1, 2, "да"]));
  assert.equal(sheet.text, text.replaceAll("ответ", "да"));
});
