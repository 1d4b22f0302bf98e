"""First and last names of people, by country (ISO code)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """Names usual in one country."""

    female: tuple[str, ...]
    male: tuple[str, ...]
    last: tuple[str, ...]


def _names(female: str, male: str, last: str) -> Names:
    split = [tuple(name.strip() for name in text.split(",")) for text in (female, male, last)]
    return Names(*split)


NAMES: dict[str, Names] = {
    "DE": _names(
        "Anna, Julia, Katharina, Sabine, Petra, Claudia, Monika, Stefanie, Nicole, Birgit, Annegret, Ulrike, Lena, "
        "Laura, Sophie, Käthe, Gisela, Heike, Silke, Anja, Franziska, Johanna, Carolin, Svenja, Jana, Ayşe, Elif, "
        "Bärbel, Miriam, Antje",
        "Thomas, Michael, Stefan, Andreas, Jürgen, Jörg, Klaus, Wolfgang, Matthias, Christian, Jonas, Lukas, Felix, "
        "Tobias, Sebastian, Florian, Götz, Günther, Björn, Sönke, Rüdiger, Dirk, Holger, Uwe, Ralf, Mehmet, Emre, "
        "Philipp, Maximilian, Johannes",
        "Müller, Schmidt, Schneider, Fischer, Weber, Meyer, Wagner, Becker, Schulz, Hoffmann, Schäfer, Koch, Bauer, "
        "Richter, Klein, Wolf, Schröder, Neumann, Schwarz, Zimmermann, Braun, Krüger, Hofmann, Hartmann, Lange, "
        "Schmitt, Werner, Krause, Meier, Lehmann, Köhler, Herrmann, König, Walter, Mayer, Huber, Kaiser, Fuchs, "
        "Peters, Lang, Scholz, Möller, Weiß, Jung, Hahn, Vogel, Friedrich, Keller, Günther, Böhm, Großmann, Yılmaz, "
        "Kaya, Öztürk, von Ahlefeld, Lüdemann, Brüggemann, Nowak, Petersen, Jansen",
    ),
    "AT": _names(
        "Anna, Maria, Theresa, Katharina, Elisabeth, Magdalena, Barbara, Eva, Verena, Birgit, Romana, Gerlinde, "
        "Sabrina, Daniela, Martina, Doris",
        "Franz, Josef, Johann, Lukas, David, Florian, Alexander, Gerhard, Herbert, Manfred, Christoph, Bernhard, "
        "Markus, Günter, Reinhard, Jakob",
        "Gruber, Huber, Bauer, Wagner, Müller, Pichler, Steiner, Moser, Mayer, Hofer, Leitner, Berger, Fuchs, Eder, "
        "Fischer, Schmid, Winkler, Weber, Schwarz, Maier, Schneider, Reiter, Brunner, Lang, Baumgartner, Auer, "
        "Binder, Lechner, Wolf, Egger, Lehner, Höller, Kärntner, Novak",
    ),
    "CH": _names(
        "Anna, Ursula, Sandra, Nicole, Ruth, Claudia, Daniela, Céline, Chantal, Martina, Regula, Vreni, Laura, "
        "Chiara, Nathalie, Franziska",
        "Peter, Daniel, Hans, Thomas, Urs, Reto, Beat, Marco, Christian, Martin, Jean-Pierre, Luca, Andreas, "
        "Patrick, Jürg, Laurent",
        "Müller, Meier, Schmid, Keller, Weber, Huber, Schneider, Meyer, Steiner, Fischer, Gerber, Brunner, Baumann, "
        "Frei, Zimmermann, Moser, Widmer, Wyss, Graf, Roth, Baumgartner, Suter, Künzli, Bachmann, Zürcher, Ammann, "
        "Rochat, Favre, Bernasconi, Bianchi, Hänni, Lüthi",
    ),
    "FR": _names(
        "Marie, Nathalie, Isabelle, Sylvie, Catherine, Céline, Aurélie, Émilie, Camille, Chloé, Léa, Manon, Hélène, "
        "Anaïs, Inès, Françoise",
        "Jean, Pierre, Michel, Philippe, Nicolas, Julien, Thomas, François, Stéphane, Sébastien, Frédéric, Jérôme, "
        "Hugo, Théo, Loïc, Étienne",
        "Martin, Bernard, Dubois, Thomas, Robert, Richard, Petit, Durand, Leroy, Moreau, Simon, Laurent, Lefèvre, "
        "Michel, Garcia, David, Bertrand, Roux, Vincent, Fournier, Morel, Girard, André, Mercier, Dupont, Lambert, "
        "Bonnet, François, Faure, Rousseau, Gérard, Benoît",
    ),
    "IT": _names(
        "Maria, Anna, Giulia, Francesca, Chiara, Sara, Laura, Valentina, Alessia, Silvia, Elena, Paola, Federica, "
        "Roberta, Martina, Giorgia",
        "Giuseppe, Giovanni, Marco, Luca, Andrea, Francesco, Alessandro, Matteo, Lorenzo, Davide, Stefano, Paolo, "
        "Nicolò, Riccardo, Fabio, Simone",
        "Rossi, Russo, Ferrari, Esposito, Bianchi, Romano, Colombo, Ricci, Marino, Greco, Bruno, Gallo, Conti, De "
        "Luca, Mancini, Costa, Giordano, Rizzo, Lombardi, Moretti, Barbieri, Fontana, Santoro, Mariani, Rinaldi, "
        "Caruso, Ferrara, Galli, Martini, Leone",
    ),
    "ES": _names(
        "María, Carmen, Ana, Isabel, Laura, Cristina, Marta, Lucía, Elena, Raquel, Sofía, Paula, Pilar, Begoña, "
        "Nuria, Rocío",
        "Antonio, José, Manuel, Francisco, David, Juan, Javier, Daniel, Carlos, Jesús, Alejandro, Miguel, Rafael, "
        "Pablo, Ángel, Iñaki",
        "García, Rodríguez, González, Fernández, López, Martínez, Sánchez, Pérez, Gómez, Martín, Jiménez, Ruiz, "
        "Hernández, Díaz, Moreno, Muñoz, Álvarez, Romero, Alonso, Gutiérrez, Navarro, Torres, Domínguez, Vázquez, "
        "Ramos, Gil, Ramírez, Serrano, Blanco, Ibáñez",
    ),
    "NL": _names(
        "Maria, Johanna, Anna, Sanne, Lotte, Femke, Anouk, Marieke, Esther, Ingrid, Eva, Fleur, Roos, Saskia, "
        "Wendy, Floor",
        "Jan, Johannes, Pieter, Willem, Daan, Bram, Sander, Jeroen, Maarten, Bas, Ruben, Thijs, Koen, Hendrik, "
        "Joost, Wouter",
        "de Jong, Jansen, de Vries, van den Berg, van Dijk, Bakker, Janssen, Visser, Smit, Meijer, de Boer, Mulder, "
        "de Groot, Bos, Vos, Peters, Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, Smits, de Graaf, van "
        "der Meer, Kuipers, Veenstra, Postma",
    ),
    "PL": _names(
        "Anna, Maria, Katarzyna, Małgorzata, Agnieszka, Barbara, Ewa, Krystyna, Magdalena, Joanna, Aleksandra, "
        "Zofia, Monika, Żaneta, Beata, Dorota",
        "Piotr, Krzysztof, Andrzej, Tomasz, Jan, Paweł, Michał, Marcin, Jakub, Adam, Łukasz, Grzegorz, Wojciech, "
        "Mateusz, Stanisław, Rafał",
        "Nowak, Kowalczyk, Wójcik, Woźniak, Mazur, Krawczyk, Kaczmarek, Zając, Król, Wróbel, Wieczorek, Jabłoń, "
        "Majchrzak, Stępień, Dudek, Pawlak, Sikora, Walczak, Baran, Michalak, Szewczyk, Pietrzak, Bąk, Duda, "
        "Włodarczyk, Gołąb, Marciniak, Jóźwiak",
    ),
    "SE": _names(
        "Anna, Eva, Maria, Karin, Kristina, Lena, Emma, Sara, Elin, Linnéa, Maja, Åsa, Ingrid, Ida, Malin, Annika",
        "Lars, Mikael, Anders, Johan, Erik, Per, Karl, Peter, Jan, Björn, Göran, Håkan, Oskar, Gustav, Åke, Mattias",
        "Andersson, Johansson, Karlsson, Nilsson, Eriksson, Larsson, Olsson, Persson, Svensson, Gustafsson, "
        "Pettersson, Jonsson, Jansson, Hansson, Bengtsson, Jönsson, Lindberg, Jakobsson, Magnusson, Lindström, "
        "Olofsson, Lindqvist, Lindgren, Axelsson, Bergström, Lundberg, Öberg, Åkesson",
    ),
    "GB": _names(
        "Emma, Charlotte, Olivia, Sarah, Rachel, Rebecca, Laura, Hannah, Victoria, Catherine, Fiona, Eleanor, "
        "Priya, Aisha, Siobhan, Grace",
        "James, Oliver, William, Thomas, Daniel, Matthew, Andrew, David, Simon, Richard, Alistair, Callum, Rhys, "
        "Imran, George, Harry",
        "Smith, Jones, Taylor, Brown, Williams, Wilson, Johnson, Davies, Robinson, Wright, Thompson, Evans, Walker, "
        "White, Roberts, Green, Hall, Wood, Jackson, Clarke, Patel, Khan, Lewis, Hughes, Edwards, Campbell, "
        "MacDonald, O'Neill, Ahmed, Fraser, Ashworth, Pemberton",
    ),
    "US": _names(
        "Mary, Jennifer, Linda, Jessica, Ashley, Emily, Megan, Nicole, Stephanie, Lauren, Brianna, Kayla, Maria, "
        "Grace, Michelle, Amy",
        "James, Robert, John, Michael, David, William, Christopher, Joshua, Matthew, Anthony, Brandon, Kevin, "
        "Jason, Tyler, José, Eric",
        "Smith, Johnson, Williams, Brown, Jones, Garcia, Miller, Davis, Rodriguez, Martinez, Hernandez, Lopez, "
        "Gonzalez, Wilson, Anderson, Thomas, Taylor, Moore, Jackson, Martin, Lee, Perez, Thompson, White, Harris, "
        "Nguyen, Kim, Patel, O'Brien, Kowalski, Schultz, Sullivan",
    ),
}
