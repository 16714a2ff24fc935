// Small helpers. Text goes in as text, never as HTML, so that no name can become markup.

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");
