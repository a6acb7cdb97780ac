/** What the dialog says. All of it is text: markup in it shows as such. */
export interface PromptTexts {
  title?: string;
  message?: string;
  allow?: string;
  later?: string;
}

const TEXTS: Required<PromptTexts> = {
  title: 'Stay up to date?',
  message: 'Get a notification when there is something new for you. You can turn this off at any time.',
  allow: 'Yes, notify me',
  later: 'Not now',
};

const STYLE = `
dialog { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); margin: 1rem auto auto; padding: 1.25rem; border: 1px solid #c4c4c4;
  border-radius: .75rem; background: #fff; color: #1b1b1b; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
  box-shadow: 0 .5rem 2rem #0004 }
dialog::backdrop { background: #0006 }
h2 { margin: 0; font-size: 1.2rem; line-height: 1.3 }
p { margin: .5rem 0 1.25rem; color: #474747 }
div { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: flex-end }
button { min-height: 2.75rem; padding: .5rem 1.25rem; border: 1px solid #747775; border-radius: .5rem; background: #fff; color: #0b57d0;
  font: inherit; font-weight: 500; cursor: pointer }
button:hover { background: #eef3fd }
button[part=allow] { border-color: #0b57d0; background: #0b57d0; color: #fff }
button[part=allow]:hover { background: #0842a0 }
button:focus-visible { outline: 3px solid #1b1b1b; outline-offset: 2px }
@media (max-width: 24rem) {
  button { flex: 1 0 auto }
}
@media (prefers-color-scheme: dark) {
  dialog { background: #1f1f1f; color: #eee; border-color: #555 }
  p { color: #c7c7c7 }
  button { background: #1f1f1f; color: #a8c7fa; border-color: #8e918f }
  button:hover { background: #2b2f36 }
  button[part=allow] { background: #a8c7fa; color: #062e6f; border-color: #a8c7fa }
  button[part=allow]:hover { background: #d3e3fd }
  button:focus-visible { outline-color: #eee }
}
@media (prefers-reduced-motion: no-preference) {
  dialog { animation: arrive .2s ease-out }
}
@keyframes arrive { from { opacity: 0; transform: translateY(-.75rem) } }`;

/**
 * Asks in the page, before the browser does; `allowed` runs within the click, which the browser's own question needs.
 * Gives what `allowed` gives, or null where the person does not want to.
 *
 * Nothing here needs a CSP to allow more than the script: elements are made one by one, the style is a constructed sheet.
 */
export function askFirst<T>(texts: PromptTexts, allowed: () => Promise<T>): Promise<T | null> {
  const words = {...TEXTS, ...texts};
  const host = document.createElement('clarion-prompt');
  const root = host.attachShadow({mode: 'open'});
  adopt(root);
  const element = <K extends keyof HTMLElementTagNameMap>(name: K, part: string, content = ''): HTMLElementTagNameMap[K] => {
    const made = document.createElement(name);
    made.id = part;
    made.setAttribute('part', part);
    made.textContent = content;
    return made;
  };
  const dialog = element('dialog', 'dialog');
  dialog.setAttribute('aria-labelledby', 'title');
  dialog.setAttribute('aria-describedby', 'message');
  const allow = element('button', 'allow', words.allow);
  const later = element('button', 'later', words.later);
  allow.type = later.type = 'button';
  const buttons = element('div', 'buttons');
  buttons.append(later, allow);
  dialog.append(element('h2', 'title', words.title), element('p', 'message', words.message), buttons);
  root.append(dialog);
  const focused = document.activeElement;
  document.body.append(host);
  return new Promise((resolve) => {
    const done = (result: Promise<T> | null): void => {
      dialog.close();
      host.remove();
      if (focused instanceof HTMLElement) focused.focus();
      resolve(result);
    };
    allow.addEventListener('click', () => done(allowed()));
    later.addEventListener('click', () => done(null));
    dialog.addEventListener('cancel', () => done(null));
    dialog.addEventListener('keydown', (event) => {
      if (event.key !== 'Tab') return;
      // of two buttons each is the other's next
      event.preventDefault();
      (root.activeElement === allow ? later : allow).focus();
    });
    dialog.showModal();
    allow.focus();
  });
}

function adopt(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    // a browser without constructed sheets shows its own plain dialog
  }
}
