"""A text in each language that is told apart."""

TEXTS = {
    "English": "The boats are in the harbour, and we have not been out for a week with this wind.",
    "German": "Die Boote sind im Hafen, und wir sind seit einer Woche nicht mit dem Wind gefahren.",
    "French": "Les bateaux sont dans le port et nous ne sommes pas sortis avec ce vent depuis.",
    "Spanish": "Los barcos están en el puerto y no hemos salido con este viento por una semana.",
    "Italian": "Le barche sono nel porto e non siamo usciti con questo vento per una settimana.",
    "Portuguese": "Os barcos estão no porto e não saímos com este vento por uma semana do mar.",
    "Dutch": "De boten zijn in de haven en we zijn met deze wind niet naar buiten, maar het komt.",
    "Polish": "Statki są w porcie, ale nie jest to dla nas tak dobrze, jak się przez to zdaje.",
    "Cyrillic": "Лодки стоят в гавани, и мы уже неделю не выходили в море из-за ветра.",
    "Chinese": "船在港口里，因为风太大，我们已经一个星期没有出海了。",
    "Japanese": "船は港にあります。風が強いので、一週間も海に出ていません。",
    "Korean": "배는 항구에 있고 바람 때문에 일주일 동안 바다에 나가지 못했습니다.",
    "Arabic": "القوارب في الميناء ولم نخرج إلى البحر منذ أسبوع بسبب الريح.",
    "Greek": "Τα καράβια είναι στο λιμάνι και δεν βγήκαμε στη θάλασσα εδώ και μια εβδομάδα.",
}
