// Loaded before the page's own bundle.
(() => {
  // A lost GET /user sets the person to null and throws them out of the page (any error does).
  // These three reads are repeated while the server is away; a real answer, a 401 too, ends it.
  const patient = /\/(user|project\/settings|auth\/config)(\?|$)/;
  const plain = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const url = typeof input === 'string' ? input : input.url || String(input);
    const method = ((init && init.method) || input.method || 'GET').toUpperCase();
    if (method !== 'GET' || !patient.test(url)) return plain(input, init);
    for (let wait = 250; ; wait = Math.min(wait * 2, 4000)) {
      try {
        const answer = await plain(input, init);
        if (answer.status < 500) return answer;
      } catch (error) {
        if (error.name === 'AbortError') throw error;
      }
      await new Promise((done) => setTimeout(done, wait));
    }
  };

  // The person's zone, for "at 9" and for every time shown. The server checks that it is one.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone)
    document.cookie = `lightning_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;

  // Chainlit's buttons that are only a picture have no name for those who cannot see it.
  const names = {
    'sidebar-trigger-button': 'Show or hide the threads',
    'search-chats-button': 'Search threads',
    'new-chat-button': 'New thread',
    'chat-submit': 'Send',
    'stop-button': 'Stop answering'
  };
  const pictures = { 'arrow-down': 'To the newest', eye: 'Show the password', 'eye-off': 'Hide the password' };
  const name = () => {
    for (const button of document.querySelectorAll('button:not([aria-label])')) {
      if (button.textContent.trim()) continue;
      const picture = button.querySelector('svg');
      const drawn = Object.keys(pictures).find((p) => picture?.classList.contains(`lucide-${p}`));
      const said = names[button.id] || pictures[drawn];
      if (said) button.setAttribute('aria-label', said);
    }
  };
  const options = () => {
    for (const one of document.querySelectorAll('#thread-options:not([role])')) {
      one.setAttribute('role', 'button');
      one.setAttribute('aria-label', 'Rename or delete the thread');
    }
  };

  // The arrow down means that there is more below, not the empty space under the last message.
  const arrow = () => {
    const button = document.querySelector('button:has(> svg.lucide-arrow-down)');
    const last = [...document.querySelectorAll('.step')].pop();
    const composer = document.getElementById('message-composer');
    if (!button || !last || !composer) return;
    const more = last.getBoundingClientRect().bottom > composer.getBoundingClientRect().top + 8;
    button.style.visibility = more ? '' : 'hidden';
  };
  let asked = 0;
  const look = () => {
    asked ||= requestAnimationFrame(() => { asked = 0; name(); options(); arrow(); });
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  document.addEventListener('scroll', look, { capture: true, passive: true });
})();
