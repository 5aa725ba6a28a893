"use strict";
const slides = [...document.querySelectorAll("section")];
let current = 0;

// A figure stands below the text or, unless it is too wide, in a column beside it.
function arrange(slide, figures, columns, size) {
  const width = slide.clientWidth, height = innerHeightOf(slide);
  slide.classList.toggle("columns", columns);
  slide.classList.toggle("several", figures.length > 1);
  slide.style.setProperty("--size", size);
  if (columns) {
    const wanted = Math.max(0.45 * width, 0.56 * height * figures[0].ratio);
    slide.style.setProperty("--right", `${Math.min(wanted, 0.64 * width)}px`);
  }
}

function innerHeightOf(slide) {
  return parseFloat(getComputedStyle(slide).minHeight);
}

// The height at which a figure is drawn, as a part of the slide's.
function drawn(slide, {frame, ratio}) {
  return Math.min(frame.clientHeight, frame.clientWidth / ratio) / innerHeightOf(slide);
}

function fits(slide) {
  const wide = [...slide.querySelectorAll("pre, .text, .html")].some(part => part.scrollWidth > part.clientWidth + 1);
  return !wide && slide.scrollHeight <= innerHeightOf(slide) + 2;
}

// Each slide gets the arrangement that allows the largest letters, and among equals the one with the larger figure.
function fit() {
  for (const slide of slides) {
    const figures = [...slide.querySelectorAll(".figure")].map(frame => {
      const {naturalWidth, naturalHeight} = frame.firstElementChild;
      frame.style.setProperty("--ratio", naturalWidth / naturalHeight);
      return {frame, ratio: naturalWidth / naturalHeight};
    });
    let best = {worth: -1, columns: false, size: 0.625};
    for (const columns of figures.length === 1 ? [false, true] : [false]) {
      for (let size = 1; size > 0.62; size -= 0.075) {
        arrange(slide, figures, columns, size);
        if (!fits(slide)) continue;
        const height = figures.length ? drawn(slide, figures[0]) : 1;
        const worth = (columns && height < 0.5 ? 0 : 10 * size) + height;
        if (worth > best.worth) best = {worth, columns, size};
        break;
      }
    }
    arrange(slide, figures, best.columns, best.size);
  }
}

function mark() {
  document.getElementById("place").textContent = `${current + 1} / ${slides.length}`;
  document.getElementById("bar").style.width = `${100 * (current + 1) / slides.length}%`;
  if (location.hash !== `#${current + 1}`) history.replaceState(null, "", `#${current + 1}`);
  const speaking = slides.slice(0, current + 1).reverse().find(slide => slide.querySelector(".notes"));
  for (const slide of slides) slide.classList.toggle("speaking", slide === speaking);
}

function go(number) {
  current = Math.min(Math.max(number, 0), slides.length - 1);
  slides[current].scrollIntoView();
  mark();
}

// On: the rest of a slide that is higher than the screen, then what waits on it, then the next slide.
function on() {
  const slide = slides[current], hidden = slide.querySelector(".waiting");
  const below = slide.getBoundingClientRect().bottom - innerHeightOf(slide);
  if (below > 2) scrollBy(0, Math.min(below, 0.8 * innerHeightOf(slide)));
  else if (hidden) hidden.classList.remove("waiting");
  else go(current + 1);
}

function back() {
  const above = -slides[current].getBoundingClientRect().top;
  if (above > 2) scrollBy(0, -Math.min(above, 0.8 * innerHeightOf(slides[current])));
  else go(current - 1);
}

// Show the code behind the figures, or the notes, or hide them again.
function toggle(name) {
  const shown = document.documentElement.classList.toggle(`with-${name}`);
  document.getElementById(name).setAttribute("aria-pressed", shown);
  fit();
  go(current);
}

const keys = {
  ArrowRight: on, ArrowDown: on, PageDown: on, " ": on, Enter: on,
  ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back,
  Home: () => go(0), End: () => go(slides.length - 1),
  c: () => toggle("code"), n: () => toggle("notes"),
  f: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
};

addEventListener("keydown", event => {
  const focused = event.target.closest("button, audio, summary, a");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = key === " " && event.shiftKey ? back : keys[key];
  if (!action || event.ctrlKey || event.altKey || event.metaKey || (focused && [" ", "Enter"].includes(event.key))) return;
  event.preventDefault();
  action();
});
for (const [id, step] of [["on", on], ["back", back], ["code", keys.c], ["notes", keys.n]]) {
  document.getElementById(id).addEventListener("click", event => {
    step();
    if (event.detail) event.currentTarget.blur();  // after a click of the mouse the keys belong to the slides again
  });
}

// The wheel and the scroll bar move freely: the slide that fills most of the screen is the current one.
let quiet;
addEventListener("scroll", () => {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    const middle = innerHeightOf(slides[current]) / 2;
    current = Math.max(0, slides.findIndex(slide => slide.getBoundingClientRect().bottom > middle));
    for (const slide of slides.slice(0, current))
      for (const step of slide.querySelectorAll(".waiting")) step.classList.remove("waiting");
    mark();
  }, 150);
});

let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { fit(); go(current); }, 100); });
addEventListener("load", () => { fit(); go((parseInt(location.hash.slice(1)) || 1) - 1); });

// A printed page is as large as a screen of 1280x800.
for (const [name, printing] of [["beforeprint", true], ["afterprint", false]])
  addEventListener(name, () => { document.documentElement.classList.toggle("printing", printing); fit(); });
