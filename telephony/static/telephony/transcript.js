// What was said, as list items. Words come from callers: they are set as text, never as markup.

const NAMES = { caller: "Caller", agent: "Agent", tool: "", desk: "The desk, to the agent" };

/** Redraw only the lines that differ, and stay at the end if the reader was there. */
export function tell(list, said) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  said.forEach((line, index) => {
    const key = JSON.stringify(line);
    const shown = list.children[index];
    if (shown?.dataset.key === key) return;
    const item = drawn(line);
    item.dataset.key = key;
    if (shown) shown.replaceWith(item);
    else list.append(item);
  });
  while (list.children.length > said.length) list.lastChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function drawn(line) {
  const item = document.createElement("li");
  item.className = `line-${line.who}`;
  if (line.who === "tool") {
    item.classList.toggle("failed", line.failed);
    item.append(element("code", `${line.failed ? "✗" : "✓"} ${line.text}`), " ", element("span", line.answer));
    return item;
  }
  item.append(element("b", NAMES[line.who]), " ", element("span", line.text));
  if (line.cut) item.append(" ", element("em", line.text ? "— interrupted" : "interrupted before a word was heard"));
  return item;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
